"""What a camera can do wrong, and what it plays. Shared by `server`, which sets it, and `sending`, which obeys."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass
from typing import Literal

from shared_kernel.testing.rtsp.clip import Clip


class Fault(enum.Enum):
    """The first seven meet a client that connects; the others meet one that is playing."""

    SILENT = "accepts the connection and never answers"
    UNAUTHORISED = "401 to whatever name and password"
    NOT_FOUND = "404"
    BROKEN = "500"
    NO_VIDEO = "offers sound only"
    LIES = "describes H.265 where it sends H.264, and the other way round"
    DEAF = "describes its stream and never answers what comes then"
    HANG = "stops sending, keeps the connection"
    CLOSE = "closes the connection in the middle of a stream"
    GARBAGE = "sends random bytes instead of pictures"
    TRICKLE = "sends a packet every two seconds"
    FLOOD = "sends as fast as the client takes it"


@dataclass
class Mount:
    """One path of the server. Changed by the test's thread, read by the clients' threads."""

    name: str
    clips: tuple[Clip, ...]
    loop: bool
    credentials: tuple[str, str] | None
    #: How the camera asks for them; udp: it refuses interleaved TCP with `refusal`, or by hanging
    #: up where that is empty; another address it sends clients to.
    login: Literal["basic", "digest"] = "basic"
    transport: Literal["tcp", "udp"] = "tcp"
    refusal: str = "461 Unsupported Transport"
    leads_to: str | None = None
    #: It offers sound beside the pictures, which nobody asks for; what it says the time is, as in HTTP.
    sound: bool = False
    #: By how much its clock jumps at every second round of its clips and back at every other, seconds.
    jump_s: float = 0.0
    date: str | None = None
    fault: Fault | None = None
    fault_at_s: float = 0.0
    after_s: float = 0.0

    @property
    def duration_s(self) -> float:
        return sum(clip.duration_s for clip in self.clips)

    def suffers(self, fault: Fault, playing_since_s: float | None = None) -> bool:
        """Whether the fault is on, `after_s` after it was set or after playback began, whichever was later."""
        since = max(self.fault_at_s, playing_since_s or 0.0)
        return self.fault is fault and time.monotonic() >= since + self.after_s
