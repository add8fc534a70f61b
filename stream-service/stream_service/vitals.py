"""What is to be seen of one camera while it runs: moments and counts, for `condition`, reports and metrics.

Noted by the camera's two threads: `pull` (what arrives) and `camera` (what is decoded and analysed).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from shared_kernel.clock import now
from stream_service.capture import INTRA_CODECS
from stream_service.condition import Failure, Signs, Tally
from stream_service.ports import Decoder, FullFrame, Packet, StreamInfo

#: The frame rate is measured over this long, seconds.
_RATE_WINDOW_S = 5.0
#: When so many of the last packets were damaged, a picture that comes of another is noise.
_NOISE, _LAST = 10, 20


class TimedDecoder(Decoder, Protocol):
    """A decoder that says what it cost."""

    seconds: float
    pictures: int
    damaged: int


class Vitals:
    """Counts since the camera's start; moments (`..._s`, monotonic) of the connection that is open now."""

    def __init__(self) -> None:
        self.info: StreamInfo | None = None
        self.packets = 0
        self.sampled = 0
        #: When the last picture came, of this connection or one before.
        self.picture_at: datetime | None = None
        self._opened_s: float | None = None
        self._arrived_s: float | None = None
        self._pictured_s: float | None = None
        self._blind_since_s: float | None = None
        self._damage: deque[bool] = deque(maxlen=_LAST)
        self._rate = _Rate()
        self._decoder: TimedDecoder | None = None
        self._seconds = 0.0
        self._pictures = self._damaged = 0

    def opened(self, info: StreamInfo) -> None:
        self.info, self._rate = info, _Rate()
        self._opened_s = time.monotonic()

    def arrived(self, packet: Packet) -> None:
        self.packets += 1
        self._arrived_s = packet.arrived_s
        if self._pictured_s is not None and self._blind_since_s is None:
            self.picture_at = packet.arrived_at
        self._rate.add(packet.arrived_s)

    def closed(self) -> None:
        """The connection ended. What it was like stays known until the next one is open."""
        self._opened_s = self._arrived_s = self._pictured_s = self._blind_since_s = None
        self._damage.clear()

    def watched(self, decoder: TimedDecoder) -> Decoder:
        """`decoder`, whose work is noted from now on, in the place of the one before."""
        if self._decoder is not None:
            self._seconds, self._pictures, self._damaged = self.decode_seconds, self.pictures, self.damaged
        self._decoder = decoder
        return _Watched(decoder, self)

    def decoded(self, pictures: int, *, damaged: bool) -> None:
        """The decoder had a packet and gave so many pictures. One among mostly damaged packets is none: it is noise."""
        moment_s = time.monotonic()
        self._damage.append(damaged)
        if pictures and sum(self._damage) < _NOISE:
            self._pictured_s, self._blind_since_s = moment_s, None
        elif self._blind_since_s is None:
            self._blind_since_s = moment_s

    @property
    def decode_seconds(self) -> float:
        return self._seconds + (self._decoder.seconds if self._decoder else 0.0)

    @property
    def pictures(self) -> int:
        return self._pictures + (self._decoder.pictures if self._decoder else 0)

    @property
    def damaged(self) -> int:
        return self._damaged + (self._decoder.damaged if self._decoder else 0)

    @property
    def fps(self) -> float | None:
        """Pictures per second that arrive; None: not connected, or not long enough."""
        return self._rate.per_second() if self._opened_s is not None else None

    def signs(self, *, wanted: bool, skipped: int, dropped: int, lacking: Failure | None = None) -> Signs:
        """How it looks at this moment."""
        info = self.info
        promise = None if info is None or info.codec in INTRA_CODECS else info.fps  # those name no rate: it is guessed
        return Signs(
            at_s=time.monotonic(),
            at=now(),
            wanted=wanted,
            opened_s=self._opened_s,
            arrived_s=self._arrived_s,
            pictured_s=self._pictured_s,
            blind_since_s=self._blind_since_s,
            promised_fps=promise,
            lacking=lacking,
            tally=Tally(self.packets, self.pictures, self.damaged, dropped, self.sampled, skipped),
        )


class _Watched:
    """See `ports.Decoder`."""

    def __init__(self, decoder: TimedDecoder, vitals: Vitals) -> None:
        self._decoder, self._vitals = decoder, vitals

    def decode(self, packet: Packet) -> list[FullFrame]:
        return self._noted(self._decoder.decode, packet)

    def decode_alone(self, packet: Packet) -> list[FullFrame]:
        return self._noted(self._decoder.decode_alone, packet)

    def decode_all(self) -> None:
        self._decoder.decode_all()

    def _noted(self, decode: Callable[[Packet], list[FullFrame]], packet: Packet) -> list[FullFrame]:
        before = self._decoder.damaged
        frames = decode(packet)
        self._vitals.decoded(len(frames), damaged=self._decoder.damaged > before)
        return frames


class _Rate:
    """Packets per second over the last few seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def add(self, at_s: float) -> None:
        self._times.append(at_s)
        while self._times[0] < at_s - _RATE_WINDOW_S:
            self._times.popleft()

    def per_second(self) -> float | None:
        try:
            packets, first_s, last_s = len(self._times), self._times[0], self._times[-1]
        except IndexError:  # the reading thread adds and takes away meanwhile; one packet more or less says the same
            return None
        return round((packets - 1) / (last_s - first_s), 1) if last_s - first_s >= 1.0 else None
