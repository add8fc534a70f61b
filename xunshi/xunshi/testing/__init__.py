"""The real stack for end-to-end tests and benches: `xunshi up` on a free port, and a client that speaks its API."""

from xunshi.testing.client import ApiClient, LiveEvent
from xunshi.testing.running import RunningStack, gone

__all__ = ["ApiClient", "LiveEvent", "RunningStack", "gone"]
