"""Why a camera gives no picture, how its address is shown, and how long things may take. Pure.

Credentials are never shown. Which addresses may be opened is in `addresses`.
"""

from __future__ import annotations

import random
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from shared_kernel.errors import XunshiError
from shared_kernel.messages import CameraReason

#: Longer addresses are refused, characters.
MAX_ADDRESS_CHARS: Final = 2000

#: A camera that sent nothing for this long is frozen, seconds.
FROZEN_AFTER_S: Final = 5.0
#: A camera must have sent its first packet this long after the start, seconds.
OPEN_TIMEOUT_S: Final = 10.0
#: Packets that give no picture for this long: the data is damaged, seconds.
BLIND_AFTER_S: Final = 10.0
#: Reconnecting begins with this pause and doubles it up to the cap, seconds.
FIRST_PAUSE_S: Final = 0.5
MAX_PAUSE_S: Final = 30.0
#: A connection that held this long starts the pauses from the beginning, seconds.
STEADY_AFTER_S: Final = 20.0

#: What of a camera is decoded: everything; key frames while nothing moves; never more than key frames.
DecodeMode = Literal["all", "adaptive", "keyframes"]

#: What is kept of a camera's video: nothing; seconds around an alerting pass; everything.
Footage = Literal["off", "clips", "continuous"]


class ClipWindow(NamedTuple):
    """What of a pass its clip shows, seconds: before it, after it, and at most from its beginning on."""

    before_s: float = 5.0
    after_s: float = 5.0
    longest_s: float = 60.0


class CameraFailed(XunshiError):
    """A camera gives no picture: `reason` is stable, `detail` is for people and has no credentials."""

    def __init__(self, reason: CameraReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def redacted(url: str) -> str:
    """`url` for logs and screens: scheme, host, port and path; user, password and query are gone."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "(not an address)"
    if not parts.scheme:
        return "(not an address)"
    if ":" in host:
        host = f"[{host}]"
    path = parts.path if "@" not in parts.path else "/…"  # an unescaped / in a password moves it into the path
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{path}{'?…' if parts.query else ''}"


def pause_s(failures: int) -> float:
    """How long to wait before connection attempt number `failures` + 1: capped, exponential, jittered by half."""
    longest: float = min(MAX_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 16))
    return longest * random.uniform(0.5, 1.0)
