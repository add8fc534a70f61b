"""What every kind of test can ask for. The parts themselves: `shared_kernel.testing.fixtures`."""

from __future__ import annotations

pytest_plugins = ["shared_kernel.testing.fixtures"]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case of bytes by its argument, never by the bytes.

    Packed files hold the second they were made in, so a name of them differs between the two processes that collect
    the tests, and pytest-xdist then runs none.
    """
    return argname if isinstance(val, bytes | bytearray) else None
