"""Frames of cameras that somebody wants kept: `slots` says when one is due, `archivist` takes it, `reports` tells.

The uploads themselves are `shared_kernel.archive`. Nothing here runs on a camera's thread.
"""
