"""Sends what may be lost (frames, camera reports) without ever making a camera wait for Redis.

Camera threads drop messages here; one thread sends them. While the bus is away they are dropped and counted, oldest
first: a frame that is late is worth nothing. What must not be lost goes through `outbox`.

Every message carries the fence under which its camera was held when it was posted, and the bus takes it only while that
is the current one: all verdicts come from frames, so a replica that lost a camera without noticing can make none.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from itertools import chain

from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import CameraReported, FrameCaptured
from stream_service.leases import KIND
from stream_service.ports import Publisher

log = get_logger(__name__)

#: Frames that wait for sending at most: 64 cameras that all wake up at once send as many in a moment.
MAX_FRAMES = 256
MAX_REPORTS = 256
#: Pause after the bus was found away, seconds.
RETRY_S = 0.5


Letter = FrameCaptured | CameraReported


class Mailbox:
    """Thread safe. `dropped` counts what was lost, `refused` what came from a camera that another replica holds."""

    def __init__(self, bus: Publisher, fence_of: Callable[[str], int]) -> None:
        self._bus = bus
        self._fence_of = fence_of
        self._frames: deque[tuple[Letter, int]] = deque()
        self._reports: deque[tuple[Letter, int]] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._away = False
        self.dropped: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name="mailbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Send what waits if the bus is there, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def post(self, message: Letter) -> None:
        """Send soon, or lose it. Never blocks."""
        fence = self._fence_of(message.camera_id)
        line, limit = (self._frames, MAX_FRAMES) if isinstance(message, FrameCaptured) else (self._reports, MAX_REPORTS)
        if isinstance(message, CameraReported):
            message = message.model_copy(update={"fence": fence})
        with self._changed:
            while len(line) >= limit:
                self.dropped[line.popleft()[0].topic] += 1
            line.append((message, fence))
            self._changed.notify()

    def _run(self) -> None:
        while (batch := self._batch()) is not None:
            for place, (message, fence) in enumerate(batch):
                try:
                    sent = self._bus.publish_held(message, kind=KIND, thing=message.camera_id, fence=fence)
                except Unavailable as error:
                    self._lost(batch[place:], error)
                    break
                except Exception:
                    log.exception("message not sent", extra=fields(topic=message.topic))
                    self.dropped[message.topic] += 1
                else:
                    self.refused[message.topic] += not sent
                    self._note(away=False)

    def _batch(self) -> list[tuple[Letter, int]] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._frames or self._reports)
            batch = list(chain(self._reports, self._frames))
            self._reports.clear()
            self._frames.clear()
            return batch if batch or not self._stopping else None

    def _lost(self, batch: list[tuple[Letter, int]], error: Unavailable) -> None:
        self.dropped.update(message.topic for message, _ in batch)
        self._note(away=True, why=str(error))
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, RETRY_S)

    def _note(self, *, away: bool, why: str = "") -> None:
        if away == self._away:
            return
        self._away = away
        if away:
            log.warning("bus away", extra=fields(reason=why))
        else:
            log.info("bus back")
