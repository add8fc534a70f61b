"""What goes into the networks of face search and what comes out: exact landmarks, upright faces, vectors.

A model knows nothing of the runtime; sessions do (`shared_kernel.vision.ports.Session`).
"""
