"""Passes on their way to the bus: written to disk before they count, sent in order, deleted when the bus has them.

An entry is one file: a line of JSON (the message, and key and size of each picture), then the JPEG bytes. It holds all
that is needed, so it survives any kill at any moment; sending stores the pictures, then publishes, then removes the
entry. Whatever is repeated after a crash repeats keys and ids.

Folders below the spool:
    queue/<number>-<pass_id>-<phase>   accepted, not yet sent; the number gives the order
    open/<pass_id>                     sent as opened, not yet closed: closed after a crash with the last known time
    bad/                               entries that cannot be read (a damaged disk); kept for people
    progress.json                      last_seen_at and frames of the open passes, written now and then
    lock                               held by the process that owns the spool
    id                                 who holds cameras for this spool, the same after every start
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from shared_kernel.clock import rfc3339
from shared_kernel.errors import Conflict, Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import PassObserved, new_id
from stream_service.ports import Objects, Progress, Publisher

log = get_logger(__name__)

#: Pause after the bus or the object store was found away, seconds.
RETRY_S = 1.0
_Pictures = TypeAdapter(list[tuple[str, int]])


@dataclass(frozen=True)
class Entry:
    """What one file holds."""

    message: PassObserved
    pictures: Mapping[str, bytes]

    def to_bytes(self) -> bytes:
        sizes = [(key, len(jpeg)) for key, jpeg in self.pictures.items()]
        head = json.dumps({"message": json.loads(self.message.model_dump_json()), "pictures": sizes})
        return head.encode() + b"\n" + b"".join(self.pictures.values())

    @classmethod
    def from_bytes(cls, data: bytes) -> Entry:
        """Read one.

        Raises:
            ValueError: the bytes are no whole entry.
        """
        head, _, body = data.partition(b"\n")
        values = json.loads(head)
        if not isinstance(values, dict):
            raise ValueError("spool entry: expected an object")  # noqa: TRY004 - it is the data that is wrong
        pictures, at = {}, 0
        for key, size in _Pictures.validate_python(values.get("pictures")):
            pictures[key], at = body[at : at + size], at + size
        if at != len(body):
            raise ValueError(f"spool entry: expected {at} bytes of pictures, got {len(body)}")
        return cls(PassObserved.model_validate(values.get("message")), pictures)


class Outbox:
    """Thread safe. `accept` is called by `follow`; one thread sends."""

    def __init__(self, folder: Path, bus: Publisher, objects: Objects) -> None:
        self._folder = folder
        self._queue, self._open, self._bad = folder / "queue", folder / "open", folder / "bad"
        self._bus, self._objects = bus, objects
        self._changed = threading.Condition()
        self._stopping = False
        self._number = 0
        self._lock: int | None = None
        self._away = False
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Take the spool, close what a crash left open, begin to send.

        Raises:
            Conflict: another process has this spool.
            OSError: the folder cannot be written.
        """
        for folder in (self._queue, self._open, self._bad):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            self._lock = None
            raise Conflict(f"spool {self._folder}: expected to be alone, another stream-service has it") from error
        for left in self._queue.glob(".*"):
            left.unlink()  # half written when a crash came: never accepted
        self._number = max((int(path.name.split("-")[0]) for path in self._entries()), default=0)
        self._recover()
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Send what can be sent now, and end. What is left is sent after the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def identity(self) -> str:
        """A name of the spool that is the same after every start. While it is held, nobody else has it.

        Raises:
            OSError: the folder cannot be written.
        """
        path = self._folder / "id"
        if not path.exists():
            _write_durably(path, new_id().encode())
        return path.read_text(encoding="ascii").strip()

    def accept(self, message: PassObserved, pictures: Mapping[str, bytes]) -> None:
        """Durable when this returns.

        Raises:
            Unavailable: the disk refused; nothing was accepted.
        """
        with self._changed:
            name = f"{self._number + 1:012d}-{message.pass_id}-{message.phase}"
            try:
                _write_durably(self._queue / name, Entry(message, pictures).to_bytes())
            except OSError as error:
                raise Unavailable("spool", str(error)) from error
            self._number += 1
            self._changed.notify()

    def remember(self, open_passes: Sequence[Progress]) -> None:
        """See `ports.Outgoing`. Not forced to the disk: it is whole after a kill, old after a power cut."""
        seen = {one.pass_id: {"last_seen_at": rfc3339(one.last_seen_at), "frames": one.frames} for one in open_passes}
        part = self._folder / ".progress"
        with contextlib.suppress(OSError):
            part.write_text(json.dumps(seen), encoding="utf-8")
            part.replace(self._folder / "progress.json")

    def check(self) -> str | None:
        """Readiness: what keeps the spool from being written, or None."""
        try:
            part = self._folder / ".check"
            part.write_bytes(b"x")
            part.unlink()
        except OSError as error:
            return f"spool {self._folder} cannot be written: {error.strerror}"
        return None

    def waiting(self) -> int:
        """Accepted entries that are not sent yet."""
        return len(self._entries())

    def _entries(self) -> list[Path]:
        try:
            return sorted(self._queue.glob("[0-9]*-*"))
        except OSError as error:  # gone for a moment: `check` says so, and the sending thread must live on
            log.warning("spool cannot be read", extra=fields(reason=str(error)))
            return []

    def _recover(self) -> None:
        """Close the passes that a crash left open: queued or sent as opened, without a closed one in the queue."""
        queued = self._entries()
        closed = {path.name.split("-")[1] for path in queued if path.name.endswith("-closed")}
        opened = [path for path in queued if path.name.endswith("-opened")] + sorted(self._open.iterdir())
        progress = self._progress()
        for path in opened:
            entry = self._read(path)
            if entry is None or entry.message.pass_id in closed:
                continue
            self.accept(_ended(entry.message, progress.get(entry.message.pass_id)), {})
            log.info("open pass closed after a crash", extra=fields(pass_id=entry.message.pass_id))

    def _progress(self) -> dict[str, Progress]:
        try:
            found = json.loads((self._folder / "progress.json").read_text(encoding="utf-8"))
            return {
                pass_id: Progress(pass_id, datetime.fromisoformat(one["last_seen_at"]), int(one["frames"]))
                for pass_id, one in found.items()
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}  # not there, or damaged: the times of the opening are used

    def _run(self) -> None:
        while True:
            entries = self._entries()
            with self._changed:
                if not entries:
                    if self._stopping:
                        return
                    self._changed.wait(RETRY_S)
                    continue
            if not self._send_all(entries):
                with self._changed:
                    if self._stopping or self._changed.wait_for(lambda: self._stopping, RETRY_S):
                        return

    def _send_all(self, entries: Iterable[Path]) -> bool:
        """In order, up to the first that cannot go now."""
        for path in entries:
            try:
                if (entry := self._read(path)) is not None:
                    self._send(path, entry)
            except Unavailable as error:
                if not self._away:
                    log.warning("passes wait", extra=fields(waiting=self.waiting(), reason=str(error)))
                self._away = True
                return False
            except Exception:
                log.exception("pass not sent", extra=fields(entry=path.name))
                return False
            if self._away:
                self._away = False
                log.info("passes go on", extra=fields(waiting=self.waiting()))
        return True

    def _send(self, path: Path, entry: Entry) -> None:
        for key, jpeg in entry.pictures.items():
            self._objects.put(key, jpeg, content_type="image/jpeg")
        self._bus.publish(entry.message)
        if entry.message.phase == "opened":
            path.replace(self._open / entry.message.pass_id)
        else:
            (self._open / entry.message.pass_id).unlink(missing_ok=True)
            path.unlink()

    def _read(self, path: Path) -> Entry | None:
        try:
            return Entry.from_bytes(path.read_bytes())
        except (ValueError, ValidationError) as error:
            log.error("spool entry is damaged", extra=fields(entry=path.name, reason=str(error)[:200]))  # noqa: TRY400
            path.replace(self._bad / path.name)
            return None


def _ended(opened: PassObserved, progress: Progress | None) -> PassObserved:
    """How a pass ended of which only this is known."""
    last_seen_at = max(opened.last_seen_at, progress.last_seen_at) if progress else opened.last_seen_at
    frames = max(opened.frames, progress.frames) if progress else opened.frames
    changes = {"phase": "closed", "last_seen_at": last_seen_at, "closed_at": last_seen_at, "frames": frames}
    return opened.model_copy(update=changes)


def _write_durably(path: Path, data: bytes) -> None:
    """Whole or not at all, also after a power cut."""
    part = path.with_name("." + path.name)
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
