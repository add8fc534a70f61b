"""Tells miniprogram-api what became of archived frames: FramesArchived out, a few times a second, in order.

What waits while the bus is away is bounded; beyond that the oldest is dropped and counted. The pictures are stored by
then, only their rows are missing, and the batch shows the places as failed.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import NamedTuple

from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import FramesArchived, FrameSettled
from stream_service.ports import Publisher, WantedFrames

log = get_logger(__name__)

#: Frames are collected for this long, so that fifty are one message, seconds.
COLLECT_S = 0.25
#: Pause after the bus was found away, seconds.
RETRY_S = 1.0
#: Frames of one message.
AT_ONCE = 200
#: Frames that wait at most.
MAX_WAITING = 50_000


class _Told(NamedTuple):
    wanted: WantedFrames
    frame: FrameSettled | None


class Reports:
    """Thread safe; one thread sends. `frames` counts what was settled, by outcome; `dropped` what nobody will hear."""

    def __init__(self, bus: Publisher, *, collect_s: float = COLLECT_S) -> None:
        self._bus, self._collect_s = bus, collect_s
        self._waiting: deque[_Told] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self.dropped = 0
        self.frames: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name="archive-reports", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 1.0) -> None:
        """Send what waits if the bus is there, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def add(self, wanted: WantedFrames, frame: FrameSettled) -> None:
        """A frame is settled. Never blocks."""
        self._tell(_Told(wanted, frame))

    def end(self, wanted: WantedFrames) -> None:
        """All frames of the batch are settled."""
        self._tell(_Told(wanted, None))

    def _tell(self, told: _Told) -> None:
        with self._changed:
            if told.frame is not None:
                self.frames["failed" if told.frame.key is None else "stored"] += 1
            if len(self._waiting) >= MAX_WAITING:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(told)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                if not self._waiting:
                    return
                self._changed.wait_for(lambda: self._stopping or len(self._waiting) >= AT_ONCE, self._collect_s)
                told = list(self._waiting)
            if not self._sent(told) and self._pause():
                return

    def _pause(self) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._stopping, RETRY_S)

    def _sent(self, told: list[_Told]) -> bool:
        """Publish all; what was told meanwhile stays. A message that is sent twice is recorded once."""
        try:
            for message in messages(told):
                self._bus.publish(message)
        except Unavailable as error:
            log.warning("archived frames wait", extra=fields(waiting=len(told), reason=str(error)))
            return False
        except Exception:
            log.exception("archived frames not told")
        with self._changed:
            for one in told:
                if self._waiting and self._waiting[0] is one:
                    self._waiting.popleft()
        return True


def messages(told: list[_Told]) -> list[FramesArchived]:
    """One message or a few a batch, each in order; the end of a batch with or after its last frame."""
    frames: dict[str, list[FrameSettled]] = {}
    wanted: dict[str, WantedFrames] = {}
    ended: set[str] = set()
    for one in told:
        batch_id = one.wanted.batch_id
        wanted[batch_id] = one.wanted
        of_batch = frames.setdefault(batch_id, [])
        if one.frame is None:
            ended.add(batch_id)
        else:
            of_batch.append(one.frame)
    made = []
    for batch_id, settled in frames.items():
        settled.sort(key=lambda frame: frame.seq)
        starts = range(0, max(1, len(settled)), AT_ONCE)
        for start in starts:
            last = start == starts[-1]
            made.append(_message(wanted[batch_id], settled[start : start + AT_ONCE], ended=last and batch_id in ended))
    return made


def _message(wanted: WantedFrames, frames: list[FrameSettled], *, ended: bool) -> FramesArchived:
    return FramesArchived(
        batch_id=wanted.batch_id,
        source="camera",
        source_id=wanted.camera_id,
        started_at=wanted.started_at,
        expected=wanted.frames,
        frames=tuple(frames),
        ended=ended,
    )
