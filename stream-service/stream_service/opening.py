"""How far the opening of an address has come, and what was found on the way. Filled by the adapters, read by `doctor`.

A camera is opened by the same steps whether it is captured or examined: so the doctor sees what capturing sees.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Login = Literal["none", "basic", "digest"]
#: Over what an RTSP camera sends its pictures.
Transport = Literal["tcp", "udp"]


class Stage(enum.StrEnum):
    """What must go well, in this order, for a camera to be watched."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    LOGIN = "login"
    DESCRIBE = "describe"
    KEY_FRAME = "key_frame"
    CODEC = "codec"
    SIZE = "size"
    RATE = "rate"
    KEY_INTERVAL = "key_interval"
    AUDIO = "audio"
    CLOCK = "clock"


@dataclass
class TimeFaults:
    """How often the times that a camera gives its pictures were not to be used."""

    missing: int = 0
    backward: int = 0
    jumps: int = 0


@dataclass
class Opening:
    """What is known so far. Written by one thread; `done` is called by it when a stage is over.

    `has_login`: the address has a user name; `login` is how the camera took it.
    `transport` is what an RTSP camera takes; other sources have none to choose.
    `address` is the IP address and port that took the connection; `server_time` what the camera's clock said at
    `server_time_s` (monotonic); `audio` the codec of the sound, or "none".
    """

    done: Callable[[Stage], None] = lambda _: None
    addresses: tuple[str, ...] = ()
    address: str = ""
    redirects: int = 0
    has_login: bool = False
    login: Login = "none"
    kind: str = ""
    transport: Transport | None = None
    server: str = ""
    audio: str | None = None
    server_time: datetime | None = None
    server_time_s: float = 0.0
    times: TimeFaults = field(default_factory=TimeFaults)
