"""What every kind of test can ask for. The parts themselves: `shared_kernel.testing.fixtures`."""

from __future__ import annotations

pytest_plugins = ["shared_kernel.testing.fixtures"]
