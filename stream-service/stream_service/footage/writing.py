"""Writes reels in a thread of its own, so that a slow disk never holds up a camera.

Camera threads hand records over; what waits is bounded. A reel that cannot be written (full disk, too slow) ends there
and keeps what it has. Finished reels move from `open/` to `queue/`, where `spool` finds them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from shared_kernel.clock import unix_ms
from shared_kernel.log import fields, get_logger
from stream_service.footage.reel import Record, ReelEnd, ReelHead, ReelWriter
from stream_service.ports import Packet

log = get_logger(__name__)

#: Packets of all cameras that may wait for the disk, bytes.
MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
#: One reel is never larger; a recording goes on in the next, bytes.
MAX_REEL_BYTES: Final = 256 * 1024 * 1024


class OpenReel:
    """A reel being written. `ended` may be read by anybody: nothing more is taken then."""

    def __init__(self, head: ReelHead, name: str) -> None:
        self.head, self.name = head, name
        self.ended = False
        self.bytes = 0
        self._writer: ReelWriter | None = None

    def write(self, folder: Path, record: Record) -> None:
        """Called by the writing thread. The file is made with the first record."""
        if self._writer is None:
            self._writer = ReelWriter(folder / self.name, self.head)
        self._writer.append(record)

    def close(self) -> bool:
        """Make it durable. Returns whether there is a file."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close(durable=True)
        return writer is not None


class Writing:
    """Thread safe. `lost_packets` counts what did not reach the disk."""

    def __init__(self, folder: Path, finished: Callable[[], None]) -> None:
        self.open_folder, self.queue_folder = folder / "open", folder / "queue"
        self._finished = finished
        self._changed = threading.Condition()
        self._waiting: deque[tuple[OpenReel, Record]] = deque()
        self._waiting_bytes = 0
        self._reels: set[OpenReel] = set()
        self._stopping = False
        self.lost_packets = 0
        self._thread = threading.Thread(target=self._run, name="footage-writing", daemon=True)

    def start(self) -> None:
        """Begin to write. The folders exist."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Write what waits, and finish all reels."""
        with self._changed:
            for reel in list(self._reels):
                self._end(reel, None)
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def open_reels(self) -> int:
        return len(self._reels)

    def begin(self, head: ReelHead, at: datetime) -> OpenReel:
        """A new reel whose first picture is of `at`."""
        reel = OpenReel(head, f"{unix_ms(at):013d}-{head.kind}-{head.footage_id}")
        with self._changed:
            reel.ended = self._stopping
            if not reel.ended:
                self._reels.add(reel)
        return reel

    def add(self, reel: OpenReel, record: Record) -> None:
        """Hand a record over. Never blocks; a reel for which there is no room ends."""
        with self._changed:
            if reel.ended:
                return
            size = len(record.data) if isinstance(record, Packet) else 0
            reel.bytes += size
            if self._waiting_bytes + size > MAX_WAITING_BYTES or reel.bytes > MAX_REEL_BYTES:
                log.warning("reel ended early", extra=fields(reel=reel.name, waiting_bytes=self._waiting_bytes))
                self.lost_packets += 1
                self._end(reel, None)
                return
            self._waiting_bytes += size
            self._waiting.append((reel, record))
            self._changed.notify()

    def end(self, reel: OpenReel, cut_to: datetime | None = None) -> None:
        """Finish a reel; pictures after `cut_to` do not belong to it."""
        with self._changed:
            self._end(reel, cut_to)

    def _end(self, reel: OpenReel, cut_to: datetime | None) -> None:
        if not reel.ended:
            reel.ended = True
            self._waiting.append((reel, ReelEnd(cut_to=cut_to)))
            self._changed.notify()

    def _run(self) -> None:
        while (taken := self._taken()) is not None:
            for reel, record in taken:
                try:
                    self._write(reel, record)
                except OSError as error:
                    log.error("reel not written", extra=fields(reel=reel.name, reason=str(error)))  # noqa: TRY400
                    self.lost_packets += isinstance(record, Packet)
                    self.end(reel)

    def _taken(self) -> list[tuple[OpenReel, Record]] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            taken = list(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            return taken or None

    def _write(self, reel: OpenReel, record: Record) -> None:
        if isinstance(record, ReelEnd):
            self._finish(reel, record)
        elif reel in self._reels:
            reel.write(self.open_folder, record)

    def _finish(self, reel: OpenReel, record: ReelEnd) -> None:
        if reel not in self._reels:
            return
        self._reels.discard(reel)
        try:
            if record.cut_to is not None:
                reel.write(self.open_folder, record)
        finally:  # on a full disk there is no room for the end: then all of it belongs
            if reel.close():
                (self.open_folder / reel.name).replace(self.queue_folder / reel.name)
                self._finished()
