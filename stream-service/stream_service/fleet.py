"""Which cameras run here: those of miniprogram-api's list that this replica holds (`leases`).

The list is loaded at the start, on every change, and every few seconds. Starts, restarts and stops camera threads; a
camera whose entry did not change is not touched, and one that can take the change over goes on. Also the place where
`follow` finds full frames and `web` live hubs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import Face
from stream_service.camera import CameraWorker
from stream_service.leases import Leases
from stream_service.live import LiveHub, Watcher
from stream_service.ports import CameraEntry, Directory, FullFrame
from stream_service.ring import FrameRing
from stream_service.sharpening import Sharpening
from stream_service.zones import Zone

log = get_logger(__name__)

#: The list is loaded at least this often, seconds.
RELOAD_EVERY_S = 10.0
#: Pause before the list is asked for again while it cannot be had, seconds.
RETRY_S = 1.0
#: All cameras together have this long to end, seconds.
STOP_S = 1.2


@dataclass
class Running:
    """A camera that runs, and the entry it runs for."""

    entry: CameraEntry
    worker: CameraWorker


class Fleet:
    """Thread safe. One thread loads the list; `follow` and web threads look cameras up."""

    def __init__(self, directory: Directory, leases: Leases, make: Callable[[CameraEntry], CameraWorker]) -> None:
        self._directory = directory
        self._leases = leases
        self._make = make
        self._entries: Sequence[CameraEntry] = ()
        self._load_at_s = 0.0
        self._running: dict[str, Running] = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._stopping = False
        self.loaded = False
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def reload(self) -> None:
        """Somebody changed a camera: load the list soon."""
        self._load_at_s = 0.0
        self._changed.set()

    def leases_changed(self) -> None:
        """This replica gained or lost a camera."""
        self._changed.set()

    def is_listed(self, camera_id: str) -> bool:
        """Whether somebody has to run this camera."""
        return any(entry.camera_id == camera_id and entry.enabled for entry in self._entries)

    def roomless(self) -> tuple[str, ...]:
        """Cameras that no replica has room for."""
        return self._leases.roomless()

    def elsewhere(self, camera_id: str) -> str | None:
        """host:port of the replica that runs this camera when it is not this one, None when there is none."""
        return None if self._stopping or self.runs(camera_id) else self._leases.elsewhere(camera_id)

    def stop(self) -> None:
        """End all cameras. A connection that hangs is left behind, its thread ends with the process."""
        self._changed.set()
        with self._lock:
            self._stopping = True
            ending = [one.worker for one in self._running.values()]
            self._running.clear()  # at once: viewers that were closed may not come again
        self._end(ending)
        if self._thread.is_alive():
            self._thread.join(0.2)

    def workers(self) -> list[CameraWorker]:
        with self._lock:
            return [one.worker for one in self._running.values()]

    def hub(self, camera_id: str) -> LiveHub | None:
        with self._lock:
            one = self._running.get(camera_id)
            return one.worker.hub if one else None

    def ring(self, camera_id: str) -> FrameRing | None:
        with self._lock:
            one = self._running.get(camera_id)
            return one.worker.ring if one else None

    def view(self, camera_id: str) -> FrameRing | None:
        """The full frames of a camera for somebody who looks at them: from now on they are fresh for a while."""
        with self._lock:
            one = self._running.get(camera_id)
        if one:
            one.worker.attention.view()
        return one.worker.ring if one else None

    def viewers(self) -> list[Watcher]:
        return [viewer for worker in self.workers() for viewer in worker.hub.watchers()]

    def take(self, camera_id: str, frame_id: str) -> FullFrame | None:
        """See `follow.Rings`."""
        ring = self.ring(camera_id)
        return ring.take(frame_id) if ring else None

    def sharpen(self, camera_id: str, frame: FullFrame, face: Face, quality: float) -> Sharpening | None:
        """Look for a better picture of a face in the main stream, where another one is analysed."""
        with self._lock:
            one = self._running.get(camera_id)
        return one.worker.sharpen(frame, face, quality) if one else None

    def zones(self, camera_id: str) -> tuple[Zone, ...]:
        """Where people count in the picture of this camera; none: everywhere."""
        with self._lock:
            one = self._running.get(camera_id)
            return one.entry.zones if one else ()

    def attend(self, camera_id: str) -> None:
        """See `follow.Rings`."""
        with self._lock:
            one = self._running.get(camera_id)
        if one:
            one.worker.attention.follow()

    def runs(self, camera_id: str) -> bool:
        with self._lock:
            return camera_id in self._running

    def apply(self, entries: Iterable[CameraEntry]) -> None:
        """Make the running cameras those of `entries` that are enabled and held here."""
        enabled = {entry.camera_id: entry for entry in entries if entry.enabled}
        self._leases.want(sorted(enabled))
        wanted = {camera_id: entry for camera_id, entry in enabled.items() if self._leases.runs_here(camera_id)}
        with self._lock:
            for camera_id, one in self._running.items():
                if camera_id in wanted and one.worker.adopts(wanted[camera_id]):
                    one.entry = wanted[camera_id]
            gone = [i for i, one in self._running.items() if wanted.get(i) != one.entry or not one.worker.alive]
            ending = [self._running.pop(camera_id).worker for camera_id in gone]
        self._end(ending)
        self._leases.release(sorted(self._leases.leaving()))
        with self._lock:
            if self._stopping:
                return
            new = [entry for camera_id, entry in wanted.items() if camera_id not in self._running]
            for entry in new:
                worker = self._make(entry)
                self._running[entry.camera_id] = Running(entry, worker)
                worker.start()
        for worker in ending:
            log.info("camera stopped", extra=fields(camera_id=worker.entry.camera_id))
        for entry in new:
            log.info("camera started", extra=fields(camera_id=entry.camera_id))

    @staticmethod
    def _end(workers: list[CameraWorker]) -> None:
        until_s = time.monotonic() + STOP_S
        for worker in workers:
            worker.ask_to_stop()
        for worker in workers:
            worker.hub.end("stopped", "the camera was changed, switched off or removed")
        for worker in workers:
            worker.join(max(0.05, until_s - time.monotonic()))

    def _run(self) -> None:
        while not self._stopping:
            self._changed.clear()
            try:
                self._load_if_due()
                if self.loaded:  # a replica that knows no camera takes no share of them
                    self.apply(self._entries)
            except Exception:
                log.exception("camera list not applied")
                self._load_at_s = time.monotonic() + RETRY_S
            self._changed.wait(max(0.0, self._load_at_s - time.monotonic()))

    def _load_if_due(self) -> None:
        """Load the list; while it cannot be had, that of before stays."""
        if time.monotonic() < self._load_at_s:
            return
        self._load_at_s = time.monotonic() + RELOAD_EVERY_S  # before asking: a change meanwhile makes it due again
        try:
            self._entries = self._directory.cameras()
            self.loaded = True
        except Unavailable as error:
            log.warning("camera list not loaded", extra=fields(reason=str(error)))
            self._load_at_s = time.monotonic() + (RELOAD_EVERY_S / 2 if self.loaded else RETRY_S)
