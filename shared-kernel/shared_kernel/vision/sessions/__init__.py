"""Runtimes that carry out a network: `openvino` on the CPU, `torch` on a GPU (or the CPU).

A session knows a runtime and nothing about faces; a model (`shared_kernel.vision.models`) knows what goes in and what
comes out and nothing about the runtime. `shared_kernel.vision.ports.Session` is the seam between the two.
"""
