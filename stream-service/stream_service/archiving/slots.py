"""When the next frame of a batch is due, and which place in the order it gets.

Place n belongs to the time from `started_at` + n x `every_s` to the next place. So the order is that of the pictures,
a picture that never came leaves its place empty, and after a restart, or on another instance, the numbers go on.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from stream_service.ports import WantedFrames

#: More places that passed at once are not named one by one: the machine slept, or the clock was set.
MAX_MISSED = 1000


class Slots:
    """Of one batch. Not thread safe."""

    def __init__(self, wanted: WantedFrames) -> None:
        self._wanted = wanted
        self._next: int | None = None

    def forget(self) -> None:
        """Somebody else had the camera: go on with the place of the present."""
        self._next = None

    def missed(self, at: datetime) -> range:
        """Places whose time has passed without a picture since this was asked last."""
        now = self._place(at)
        if now < 0:
            return range(0)
        first = now if self._next is None else self._next
        self._next = max(first, now)
        missed = range(first, min(now, self._wanted.frames or now))
        return missed[-MAX_MISSED:]

    def due(self, at: datetime) -> int | None:
        """The place that waits for a picture now; None: none does, or all are over."""
        now = self._place(at)
        if now < 0 or self.over(at) or self._next != now:
            return None
        return now

    def filled(self, place: int) -> None:
        """This place has its picture, or will never have one."""
        self._next = place + 1

    def over(self, at: datetime) -> bool:
        """Whether the last place has its picture, or its time has passed."""
        frames = self._wanted.frames
        return bool(frames) and max(self._place(at), self._next or 0) >= frames

    def wait_s(self, at: datetime) -> float:
        """Until the next place begins, seconds."""
        begins_at = self._wanted.started_at + timedelta(seconds=(self._place(at) + 1) * self._wanted.every_s)
        return max(0.0, (begins_at - at).total_seconds())

    def _place(self, at: datetime) -> int:
        return max(-1, math.floor((at - self._wanted.started_at).total_seconds() / self._wanted.every_s))
