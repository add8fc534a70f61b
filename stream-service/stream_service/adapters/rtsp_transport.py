"""Over what an RTSP camera sends its pictures: TCP, which loses nothing, or UDP where a camera takes no TCP.

libav itself asks for UDP after a 461 only. Real cameras also answer 400, 405 or 501, or hang up; so which answers mean
"no TCP" is decided here, and what worked is remembered, so that the next connection begins with it.
"""

from __future__ import annotations

import errno
import math
import threading
import time
from collections import OrderedDict
from typing import Final

import av
from av.error import FFmpegError

from stream_service.addresses import without_credentials
from stream_service.opening import Transport

#: What is remembered is tried anew after this long: a camera that restarts hangs up once, and takes TCP again, seconds.
REMEMBERED_S: Final = 3600.0
#: Addresses come and go; of more than these the oldest are forgotten.
_MOST: Final = 1024

#: Answers about the login or the path: another transport changes nothing about them.
_OTHERWISE: Final = (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError, av.error.HTTPNotFoundError)
#: Answers to SETUP; a camera that hangs up instead is "invalid data" in libav's words.
_REFUSALS: Final = (
    av.error.HTTPClientError,
    av.error.HTTPServerError,
    av.error.InvalidDataError,
    av.error.EOFError,
    av.error.ConnectionResetError,
    av.error.BrokenPipeError,
)
_NUMBERS: Final = frozenset({errno.EPROTONOSUPPORT, errno.EIO})


def takes_no_tcp(error: FFmpegError | OSError | ValueError) -> bool:
    """Whether a camera that has described its stream may send it over UDP instead."""
    if isinstance(error, _OTHERWISE):
        return False
    return isinstance(error, _REFUSALS) or getattr(error, "errno", None) in _NUMBERS


class Transports:
    """Which addresses gave pictures over UDP only. Thread safe; one a process."""

    def __init__(self) -> None:
        self._udp: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def first(self, url: str) -> Transport:
        """What to try first for this address."""
        key = without_credentials(url)
        with self._lock:
            if time.monotonic() - self._udp.get(key, -math.inf) < REMEMBERED_S:
                return "udp"
            self._udp.pop(key, None)
            return "tcp"

    def worked(self, url: str, transport: Transport | None) -> None:
        """Pictures came this way; None: there was nothing to choose."""
        key = without_credentials(url)
        with self._lock:
            if transport == "udp":
                self._udp.setdefault(key, time.monotonic())
            else:
                self._udp.pop(key, None)
            while len(self._udp) > _MOST:
                self._udp.popitem(last=False)

    def failed(self, url: str) -> None:
        """None came: the next connection begins from the beginning."""
        with self._lock:
            self._udp.pop(without_credentials(url), None)
