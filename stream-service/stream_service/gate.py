"""Which packets of a camera are decoded, and which pictures are analysed. Used by `capture`, for one connection.

While nothing moves, only key frames are decoded, each by itself. The packets after it are kept as they came: when
something moves they are decoded from there, so that the person who just came in is not missed. What wakes a camera: a
key frame that differs, packets that suddenly grow (coders spend bytes on what moves), somebody who is being followed,
viewers of still pictures.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Final

from stream_service.motion import MotionWatch, Zones
from stream_service.ports import FullFrame, Packet
from stream_service.rules import DecodeMode

#: After this long without motion and without anybody new a camera is quiet again, seconds.
QUIET_AFTER_S: Final = 3.0
#: Packets that grow wake a camera for so long; motion in its pictures must confirm it, seconds.
SUSPECT_S: Final = 1.0
#: A quiet camera is analysed at least this often, seconds; at a key frame, which costs little, a bit earlier.
LOOK_EVERY_S: Final = 5.0
LOOK_AT_KEY_S: Final = 3.0
#: Key frames that come closer than this are not all decoded while it is quiet, seconds.
PEEK_EVERY_S: Final = 0.5
#: Of kept packets that are decoded late only the pictures of the last second are analysed, seconds.
MAX_BEHIND_S: Final = 1.0
#: More packets or bytes are not kept: then a camera can wake at the next key frame only.
MAX_KEPT_PACKETS: Final = 300
MAX_KEPT_BYTES: Final = 16 * 1024 * 1024
#: A camera that sent no key frame for this long has none, seconds.
KEYLESS_AFTER_S: Final = 12.0

#: Packets have grown when this many of the last `_RECENT` are larger than usual by this factor and this many bytes.
_GROWN, _RECENT, _FACTOR, _BYTES = 2, 4, 2.5, 400
#: What is usual is the median of so many packets; with fewer nothing is said.
_USUAL, _LEAST_USUAL = 50, 10


class Attention:
    """Until when a camera is wanted awake by others. Written by any thread, read by the camera's own."""

    def __init__(self, rouse: Callable[[], None] = lambda: None) -> None:
        """`rouse` is called when nobody wanted the camera and now somebody does."""
        self._rouse = rouse
        self._followed_until_s = self._viewed_until_s = 0.0

    def follow(self) -> None:
        """Somebody new is in the picture now: decode and analyse."""
        before, self._followed_until_s = self.followed, time.monotonic() + QUIET_AFTER_S
        if not before:
            self._rouse()

    def view(self) -> None:
        """Somebody looks at still pictures now: decode, so that they are fresh."""
        before, self._viewed_until_s = self.viewed, time.monotonic() + QUIET_AFTER_S
        if not before:
            self._rouse()

    @property
    def followed(self) -> bool:
        return time.monotonic() < self._followed_until_s

    @property
    def viewed(self) -> bool:
        return time.monotonic() < self._viewed_until_s


class Gate:
    """Decides packet by packet, picture by picture. Not thread safe; times are those of the packets, seconds."""

    def __init__(self, mode: DecodeMode, fps: float, attention: Attention, zones: Zones = tuple) -> None:
        self.alone = False
        self._mode = mode
        self._peek_every_s = 1.0 / fps if mode == "keyframes" else PEEK_EVERY_S
        self._attention = attention
        self._motion = MotionWatch(zones)
        self._sizes = _Sizes()
        #: Packets that the decoder has not had and needs to go on; None when some of them are gone.
        self._kept: list[Packet] | None = None
        self._kept_bytes = 0
        self._began_s = math.inf
        self._had_key = False
        self._now_s = 0.0
        self._peeked_s = self._looked_s = self._moved_s = self._awake_until_s = float("-inf")

    @property
    def awake(self) -> bool:
        """Whether every packet is decoded now."""
        return self._mode == "all" or self._now_s < self._awake_until_s

    @property
    def patient_bytes(self) -> int:
        """Packets up to this size that are no key frames change nothing: they may be admitted a moment later."""
        if self.awake or self._attention.followed or self._attention.viewed:
            return 0
        return sys.maxsize if self._mode == "keyframes" else self._sizes.unremarkable

    def admit(self, packet: Packet) -> list[Packet]:
        """Give the packets to decode now, oldest first; with `alone` it is one, to be decoded by itself."""
        self._now_s, self.alone = packet.arrived_s, False
        if self._mode == "all":
            return [packet]
        if self._began_s == math.inf:
            # Nothing is known of a new connection: somebody may be in the picture already.
            self._began_s = self._moved_s = self._now_s
            if self._mode == "adaptive":
                self._wake(QUIET_AFTER_S)
        self._keep(packet)
        if self._mode == "adaptive":
            if not packet.key and self._sizes.grown(len(packet.data)):
                self._wake(SUSPECT_S)
            if self._attention.viewed:
                self._wake(SUSPECT_S)
            if self._attention.followed:
                self._wake(QUIET_AFTER_S)
                self._moved_s = self._now_s
        overdue = self._mode == "adaptive" and self._now_s - self._looked_s >= LOOK_EVERY_S
        if self.awake or (overdue and not packet.key):
            return self._all_kept()
        if packet.key and self._now_s - self._peeked_s >= self._peek_every_s:
            self._peeked_s, self.alone = self._now_s, True
            return [packet]
        return []

    def wants(self, frame: FullFrame) -> bool:
        """Whether a decoded picture is to be analysed; looks for motion in it."""
        if self._mode == "all":
            return True
        if self._now_s - frame.arrived_s > MAX_BEHIND_S:
            return False
        if self._mode == "adaptive" and self._motion.moved(frame):
            self._wake(QUIET_AFTER_S)
            self._moved_s = self._now_s
        look_every_s = LOOK_AT_KEY_S if self.alone else LOOK_EVERY_S
        due = self._mode == "keyframes" or frame.arrived_s - self._looked_s >= look_every_s
        if not due and self._now_s - self._moved_s > QUIET_AFTER_S:
            return False
        self._looked_s = frame.arrived_s
        return True

    def _wake(self, seconds: float) -> None:
        self._awake_until_s = max(self._awake_until_s, self._now_s + seconds)

    def _keep(self, packet: Packet) -> None:
        if packet.key or self._is_without_keys():
            self._kept, self._kept_bytes = [packet], len(packet.data)
            self._had_key = True
        elif self._kept is not None:
            self._kept.append(packet)
            self._kept_bytes += len(packet.data)
            if len(self._kept) > MAX_KEPT_PACKETS or self._kept_bytes > MAX_KEPT_BYTES:
                self._kept = None

    def _is_without_keys(self) -> bool:
        """Whether this camera refreshes its picture little by little, without key frames: any packet may begin."""
        return not self._had_key and self._now_s - self._began_s > KEYLESS_AFTER_S

    def _all_kept(self) -> list[Packet]:
        if self._kept is None:
            return []
        kept, self._kept, self._kept_bytes = self._kept, [], 0
        return kept


class _Sizes:
    """Tells when packets between key frames grow beyond what was usual."""

    def __init__(self) -> None:
        #: A packet up to this size is none that has grown, bytes; 0 while too few are known.
        self.unremarkable = 0
        self._usual: deque[int] = deque(maxlen=_USUAL)
        self._large: deque[bool] = deque(maxlen=_RECENT)

    def grown(self, size: int) -> bool:
        self._large.append(size > self.unremarkable > 0)
        self._usual.append(size)
        if len(self._usual) >= _LEAST_USUAL:
            self.unremarkable = int(_FACTOR * median(self._usual) + _BYTES)
        return sum(self._large) >= _GROWN
