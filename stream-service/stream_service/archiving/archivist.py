"""Takes a frame of each archived camera when one is due and hands it to the archive. One thread for all cameras.

Frames come out of the ring that capture fills anyway, as snapshots do, so no camera waits for an upload: what does not
fit into the archive's queue, and what never came, is a place without a picture, with the reason. Another thread asks
which cameras are wanted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeVar

from shared_kernel.archive import Archive, Frame
from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import FrameSettled, LostFrame
from stream_service.archiving.reports import Reports
from stream_service.archiving.slots import Slots
from stream_service.ports import FullFrame, WantedFrames, WantedList
from stream_service.ring import FrameRing

log = get_logger(__name__)
T = TypeVar("T")

#: The list is loaded at least this often, seconds.
RELOAD_EVERY_S = 10.0
#: A picture that is not there yet is looked for again after this time, seconds.
LOOK_AGAIN_S = 0.04
#: Without anything to do, seconds.
IDLE_S = 1.0
#: A picture may be as old as the pause between two frames, within these limits, seconds.
LEAST_FRESH_S, MOST_FRESH_S = 0.25, 5.0


class Pictures(Protocol):
    """Where the newest frames of the cameras of this instance are; see `fleet.Fleet`."""

    def ring(self, camera_id: str) -> FrameRing | None:
        """The frames of a camera; None when another instance has it, or nobody."""
        ...

    def view(self, camera_id: str) -> FrameRing | None:
        """As `ring`, and from now on they are fresh for a while."""
        ...


class _Run:
    """One batch under way."""

    def __init__(self, wanted: WantedFrames) -> None:
        self.wanted = wanted
        self.slots = Slots(wanted)
        self.taken_s = 0.0
        self.under_way = 0
        self.ending = False


class Archivist:
    """Thread safe."""

    def __init__(self, list_: WantedList, pictures: Pictures, archive: Archive, reports: Reports) -> None:
        self._list, self._pictures, self._archive, self._reports = list_, pictures, archive, reports
        self._runs: dict[str, _Run] = {}
        self._over: set[str] = set()
        self._lock = threading.Lock()
        self._reload, self._wake, self._stopping = threading.Event(), threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._load_for_ever, name="archive-list", daemon=True),
            threading.Thread(target=self._take_for_ever, name="archivist", daemon=True),
        ]

    def start(self) -> None:
        self._reports.start()
        for thread in self._threads:
            thread.start()

    def reload(self) -> None:
        """Somebody started or stopped a batch: load the list soon."""
        self._reload.set()

    def stop(self, timeout_s: float = 1.0) -> None:
        """Take nothing more, finish the uploads that are soon done, tell what became of them."""
        until_s = time.monotonic() + timeout_s
        self._stopping.set()
        self._reload.set()
        self._wake.set()
        self._threads[1].join(timeout_s / 4)
        self._archive.stop(timeout_s / 2)
        self._reports.stop(max(0.1, until_s - time.monotonic()))

    def apply(self, wanted: Iterable[WantedFrames]) -> None:
        """Make the batches under way those of the list."""
        listed = {one.batch_id: one for one in wanted}
        with self._lock:
            self._over &= set(listed)
            for batch_id in set(listed) - set(self._runs) - self._over:
                self._runs[batch_id] = _Run(listed[batch_id])
                known = fields(batch_id=batch_id, camera_id=listed[batch_id].camera_id)
                log.info("archiving frames", extra=known)
            for batch_id, run in self._runs.items():
                run.ending = run.ending or batch_id not in listed
        self._wake.set()

    def take_due(self) -> float:
        """One round over all batches. Returns after how many seconds the next one is due."""
        with self._lock:
            runs = list(self._runs.values())
        wait_s = IDLE_S
        for run in runs:
            wait_s = min(wait_s, _guarded("take a frame", partial(self._advance, run), IDLE_S))
        return wait_s

    def _advance(self, run: _Run) -> float:
        """Take the frame that is due, end what is over. Returns the seconds until there is more to do."""
        at = datetime.now(UTC)
        ring = self._pictures.ring(run.wanted.camera_id)
        if not run.ending and ring is None:
            run.slots.forget()
            run.ending = run.slots.over(at)
        elif not run.ending:
            for missed in run.slots.missed(at):
                self._gave_up(run, missed, at, LostFrame.NO_PICTURE)
            place = run.slots.due(at)
            if place is not None and not self._took(run, place, ring):
                return LOOK_AGAIN_S
            run.ending = run.slots.over(at)
        if run.ending:
            return self._ended(run)
        return run.slots.wait_s(at)

    def _took(self, run: _Run, place: int, ring: FrameRing | None) -> bool:
        frame = ring.newest() if ring else None
        fresh_s = min(max(run.wanted.every_s, LEAST_FRESH_S), MOST_FRESH_S)
        if frame is None or frame.arrived_s <= run.taken_s or time.monotonic() - frame.arrived_s > fresh_s:
            self._pictures.view(run.wanted.camera_id)  # a quiet camera decodes key frames only: ask for more
            return False
        run.taken_s = frame.arrived_s
        run.slots.filled(place)
        self._hand_over(run, place, frame)
        return True

    def _hand_over(self, run: _Run, place: int, frame: FullFrame) -> None:
        jpeg = frame.small_jpeg(run.wanted.side or max(frame.width, frame.height))
        with self._lock:
            run.under_way += 1
        settled = self._archive.offer(Frame(place, frame.arrived_at, jpeg))
        if settled is None:
            with self._lock:
                run.under_way -= 1
            self._gave_up(run, place, frame.arrived_at, LostFrame.QUEUE_FULL)
            return
        settled.add_done_callback(lambda done: self._settled(run, done))

    def _settled(self, run: _Run, done: Future[FrameSettled]) -> None:
        """Called by the archive's thread."""
        self._reports.add(run.wanted, done.result())
        with self._lock:
            run.under_way -= 1
        self._wake.set()

    def _gave_up(self, run: _Run, place: int, at: datetime, reason: LostFrame) -> None:
        self._reports.add(run.wanted, FrameSettled(seq=place, captured_at=at, reason=reason))

    def _ended(self, run: _Run) -> float:
        """Say that it ended as soon as its last upload is settled."""
        batch_id = run.wanted.batch_id
        with self._lock:
            if run.under_way:
                return IDLE_S
            self._runs.pop(batch_id, None)
            self._over.add(batch_id)
        self._reports.end(run.wanted)
        log.info("archiving ended", extra=fields(batch_id=batch_id, camera_id=run.wanted.camera_id))
        return IDLE_S

    def _take_for_ever(self) -> None:
        while not self._stopping.is_set():
            wait_s = self.take_due()
            if self._wake.wait(wait_s):
                self._wake.clear()

    def _load_for_ever(self) -> None:
        while not self._stopping.is_set():
            self._reload.clear()
            _guarded("load the list", lambda: self.apply(self._list.wanted_frames()), None)
            self._reload.wait(RELOAD_EVERY_S)


def _guarded(what: str, work: Callable[[], T], otherwise: T) -> T:
    """The worker loops: one batch must not stop the others, and whatever goes wrong is tried again."""
    try:
        return work()
    except Unavailable as error:
        log.warning("archiving waits", extra=fields(work=what, reason=str(error)))
    except Exception:
        log.exception("archiving failed", extra=fields(work=what))
    return otherwise
