"""Runtimes that carry out a network: `openvino` on the CPU, `torch` on a GPU (or the CPU).

A session knows a runtime and nothing about faces; a model (`inference_service.models`) knows what goes in and what
comes out and nothing about the runtime. `inference_service.ports.Session` is the seam between the two.
"""
