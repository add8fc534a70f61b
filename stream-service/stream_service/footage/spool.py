"""Finished reels on their way out: made an MP4, stored, published, and only then deleted.

A reel holds all that is needed, and its id gives the object keys, so every step may be repeated after any kill: the
same object is written again, the same message sent again, and the row is one.

Folders below the spool's `footage/`:
    open/     being written; after a crash whatever is here is finished as it is
    queue/    finished, by time
    work/     files under way to the store; emptied at the start
    bad/      reels from which no film can be made; kept for people, the newest few
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import FootageRecorded
from stream_service.footage.film import Film, boxes_of
from stream_service.footage.reel import Reel
from stream_service.ports import Packet, Publisher
from stream_service.rules import CameraFailed

log = get_logger(__name__)

#: Pause after the bus, the store or the disk was found away, seconds.
RETRY_S: Final = 1.0
#: Shorter films are a blink, and no player likes them, seconds.
MIN_SECONDS: Final = 0.5
_MAX_BAD: Final = 20


class FileObjects(Protocol):
    """The part of object storage that keeps files."""

    def put_file(self, key: str, path: Path, *, content_type: str = ...) -> None:
        """Store a file.

        Raises:
            Unavailable: the store is away.
        """
        ...


#: Writes packets (codec, stream header, packets) into an MP4 file. Raises: CameraFailed, OSError.
MakeFilm = Callable[[Path, str, bytes, Iterable[Packet]], Film]


class FootageSpool:
    """One thread sends, oldest first."""

    def __init__(self, folder: Path, bus: Publisher, objects: FileObjects, make_film: MakeFilm) -> None:
        self._folder = folder
        self._bus, self._objects, self._make_film = bus, objects, make_film
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._away = False
        self._thread = threading.Thread(target=self._run, name="footage-spool", daemon=True)

    def start(self) -> None:
        """Finish what a crash left open, and begin to send. The spool's lock is held by `outbox`.

        Raises:
            OSError: the folder cannot be written.
        """
        for name in ("open", "queue", "work", "bad"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        for left in (self._folder / "work").iterdir():
            left.unlink()
        for left in sorted((self._folder / "open").iterdir()):
            left.replace(self._folder / "queue" / left.name)
            log.info("reel finished after a crash", extra=fields(reel=left.name))
        self._changed.set()
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End after the reel in hand. What is left is sent after the next start."""
        self._stopping.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def wake(self) -> None:
        """A reel was finished."""
        self._changed.set()

    def waiting(self) -> int:
        """Finished reels that are not sent yet."""
        return len(self._entries())

    def _entries(self) -> list[Path]:
        try:
            return sorted((self._folder / "queue").iterdir())
        except OSError as error:
            log.warning("footage spool cannot be read", extra=fields(reason=str(error)))
            return []

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._changed.wait()
            self._changed.clear()
            if not self._send_all(self._entries()):
                self._stopping.wait(RETRY_S)
                self._changed.set()

    def _send_all(self, entries: Iterable[Path]) -> bool:
        """In order, up to the first that cannot go now."""
        for path in entries:
            if self._stopping.is_set():
                return True
            try:
                self._send(path)
            except (Unavailable, OSError) as error:
                if not self._away:
                    log.warning("footage waits", extra=fields(waiting=self.waiting(), reason=str(error)))
                self._away = True
                return False
            except (CameraFailed, ValueError) as error:
                log.warning("reel gives no film", extra=fields(reel=path.name, reason=str(error)))
                self._put_aside(path)
            except Exception:
                log.exception("footage not sent", extra=fields(reel=path.name))
                self._put_aside(path)
            if self._away:
                self._away = False
                log.info("footage goes on", extra=fields(waiting=self.waiting()))
        return True

    def _send(self, path: Path) -> None:
        reel, work = Reel.open(path), self._folder / "work"
        head, video, side = reel.head, work / "video.mp4", work / "boxes.json"
        film = self._make_film(video, head.codec, head.extradata, reel.packets())
        if film.seconds < MIN_SECONDS:
            raise ValueError(f"reel: expected {MIN_SECONDS:g} s or more, got {film.seconds:.3f}")
        boxes = boxes_of(film, reel.sighted())
        side.write_text(boxes.model_dump_json() if boxes else "", encoding="utf-8")
        message = recorded(reel, film, video.stat().st_size + side.stat().st_size, boxes=boxes is not None)
        self._objects.put_file(message.key, video, content_type="video/mp4")
        if message.boxes_key is not None:
            self._objects.put_file(message.boxes_key, side, content_type="application/json")
        self._bus.publish(message)
        path.unlink()
        video.unlink()
        side.unlink()
        log.info("footage recorded", extra=fields(footage_id=message.footage_id, kind=head.kind, bytes=message.bytes))

    def _put_aside(self, path: Path) -> None:
        bad = self._folder / "bad"
        path.replace(bad / path.name)
        for old in sorted(bad.iterdir())[:-_MAX_BAD]:
            old.unlink(missing_ok=True)


def recorded(reel: Reel, film: Film, size: int, *, boxes: bool) -> FootageRecorded:
    """The message about a film. Keys repeat when it is made again."""
    head = reel.head
    stem = f"footage/{head.kind}s/{film.started_at:%Y/%m/%d}/{head.camera_id}/{head.footage_id}"
    return FootageRecorded(
        footage_id=head.footage_id,
        camera_id=head.camera_id,
        kind=head.kind,
        pass_id=head.pass_id,
        started_at=film.started_at,
        ended_at=film.ended_at,
        key=f"{stem}.mp4",
        boxes_key=f"{stem}.json" if boxes else None,
        mime=film.mime,
        width=film.width,
        height=film.height,
        bytes=size,
    )
