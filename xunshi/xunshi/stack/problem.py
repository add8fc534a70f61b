"""The one error of this package: the stack cannot be brought up or reached, said for the person at the terminal."""

from __future__ import annotations

from shared_kernel.errors import XunshiError


class StackProblem(XunshiError):
    """What is wrong and what to do about it, one or two lines."""
