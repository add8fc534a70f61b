"""Stores pictures in order, many at a time, without ever making who took them wait.

A frame goes in with its place in the order (`seq`) and comes out settled: stored under a key that is the SHA-256 of its
bytes, or given up after a deadline, with the reason. Uploads run beside each other and end in any order; the place
travels with the frame, so nobody has to wait for another. What is repeated has the same key and writes nothing new.

stream-service archives the frames of cameras with it, miniprogram-api those that clients send. One thread runs all
uploads; what does not fit into its queue is refused at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final, Protocol

from shared_kernel.errors import XunshiError
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import FrameSettled, LostFrame

log = get_logger(__name__)

#: Folder of all archived frames.
FOLDER: Final = "frames"
_DETAIL_CHARS: Final = 200


class Objects(Protocol):
    """The part of object storage that archives need; see `blobs.Blobs`."""

    def put_soon(self, key: str, data: bytes, *, content_type: str = ...) -> Awaitable[None]:
        """Store, on an event loop.

        Raises:
            Unavailable: the store is away.
        """
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One JPEG and its place in the order. `taken_s` is the monotonic clock when it was taken."""

    seq: int
    captured_at: datetime
    jpeg: bytes
    taken_s: float = field(default_factory=time.monotonic)

    @property
    def key(self) -> str:
        return object_key(self.captured_at, self.jpeg)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at a time, and for how long. Raising `parallel` helps until the store or the network is full."""

    #: Uploads at the same time.
    parallel: int = 64
    #: Frames and bytes that wait or are being uploaded.
    frames: int = 1024
    bytes: int = 128 * 1024 * 1024
    #: A frame that is older is given up, seconds.
    deadline_s: float = 30.0
    #: One upload that takes longer is tried again, seconds.
    attempt_s: float = 8.0
    #: First and longest pause before the next try, seconds; the pause itself is a random share of it.
    first_pause_s: float = 0.2
    longest_pause_s: float = 5.0


def object_key(captured_at: datetime, jpeg: bytes) -> str:
    """`frames/<day>/<sha256>.jpg`: equal pictures of a day are one object, and a day can be removed as a whole."""
    return f"{FOLDER}/{captured_at.astimezone(UTC):%Y/%m/%d}/{hashlib.sha256(jpeg).hexdigest()}.jpg"


class Archive:
    """Thread safe. The thread begins with the first frame."""

    def __init__(
        self, objects: Objects, limits: Limits | None = None, *, has_room: Callable[[], bool] = lambda: True
    ) -> None:
        """Take where to store. `has_room` is asked for every frame: archives stop first when a disk fills."""
        self._objects = objects
        self._limits = limits or Limits()
        self._has_room = has_room
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turns = asyncio.Semaphore(self._limits.parallel)
        self._tasks: set[asyncio.Task[FrameSettled]] = set()
        #: Handed over and not yet taken by the thread, which is woken for the first of them only.
        self._coming: list[tuple[Frame, str, Future[FrameSettled]]] = []
        self._stopped = False
        self._idle = threading.Condition(self._lock)
        self._frames = self._bytes = 0

    @property
    def waiting(self) -> int:
        """Frames that are not settled yet."""
        return self._frames

    def offer(self, frame: Frame) -> Future[FrameSettled] | None:
        """Take a frame; None when there is no room, or after `stop`. Never blocks.

        Returns:
            What becomes of it. It never fails: a frame that could not be stored is settled without a key.
        """
        if not self._has_room():
            refused: Future[FrameSettled] = Future()
            refused.set_result(_settled(frame, None, 0, LostFrame.DISK_FULL))
            return refused
        key = frame.key  # by the caller's thread: hashing a picture costs more than handing it over
        with self._lock:
            full = self._frames >= self._limits.frames or self._bytes + len(frame.jpeg) > self._limits.bytes
            if self._stopped or full:
                return None
            self._frames, self._bytes = self._frames + 1, self._bytes + len(frame.jpeg)
            loop = self._loop = self._loop or self._begun()
            settled: Future[FrameSettled] = Future()
            settled.add_done_callback(lambda _: self._leave(frame))
            self._coming.append((frame, key, settled))
            if len(self._coming) == 1:
                loop.call_soon_threadsafe(self._take)
        return settled

    def stop(self, timeout_s: float = 2.0) -> None:
        """Finish what is in hand if that is soon done, give up the rest, end the thread."""
        with self._lock:
            self._stopped = True
            loop = self._loop
            if loop is None:
                return
            self._idle.wait_for(lambda: not self._frames, timeout_s)
        loop.call_soon_threadsafe(self._give_up)
        with self._lock:
            self._idle.wait_for(lambda: not self._frames, 1.0)
        loop.call_soon_threadsafe(loop.stop)

    def _begun(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        threading.Thread(target=_run, args=(loop,), name="archive", daemon=True).start()
        return loop

    def _take(self) -> None:
        with self._lock:
            coming, self._coming = self._coming, []
        for frame, key, settled in coming:
            task = asyncio.ensure_future(self._settle(frame, key))
            self._tasks.add(task)  # a loop by itself forgets its tasks
            task.add_done_callback(partial(self._done, frame, settled))

    def _done(self, frame: Frame, settled: Future[FrameSettled], task: asyncio.Task[FrameSettled]) -> None:
        self._tasks.discard(task)
        settled.set_result(_result(task, frame))

    def _leave(self, frame: Frame) -> None:
        with self._lock:
            self._frames, self._bytes = self._frames - 1, self._bytes - len(frame.jpeg)
            self._idle.notify_all()

    def _give_up(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()

    async def _settle(self, frame: Frame, key: str) -> FrameSettled:
        """Upload until it succeeds or the frame is too old. A turn is kept over pauses: what is away is not hurried."""
        async with self._turns:
            until_s, attempts = frame.taken_s + self._limits.deadline_s, 0
            lost, detail = LostFrame.TOO_LATE, None
            while (left_s := until_s - time.monotonic()) > 0:
                attempts += 1
                try:
                    async with asyncio.timeout(min(left_s, self._limits.attempt_s)):
                        await self._objects.put_soon(key, frame.jpeg, content_type="image/jpeg")
                    return _settled(frame, key, attempts, None)
                except TimeoutError:
                    lost, detail = LostFrame.STORE_SLOW, None
                except XunshiError as error:
                    lost, detail = LostFrame.STORE_AWAY, str(error)
                await asyncio.sleep(min(self._pause_s(attempts), max(0.0, until_s - time.monotonic())))
            log.warning("frame given up", extra=fields(seq=frame.seq, attempts=attempts, reason=lost, detail=detail))
            return _settled(frame, None, attempts, lost, detail)

    def _pause_s(self, attempts: int) -> float:
        """Full jitter: those who failed together do not come back together."""
        longest_s = min(self._limits.longest_pause_s, self._limits.first_pause_s * 2.0 ** min(attempts - 1, 16))
        return random.uniform(longest_s / 4, longest_s)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _result(task: asyncio.Task[FrameSettled], frame: Frame) -> FrameSettled:
    if task.cancelled():
        return _settled(frame, None, 0, LostFrame.STOPPED)
    if error := task.exception():
        log.error("frame not stored", exc_info=error, extra=fields(seq=frame.seq))
        return _settled(frame, None, 1, LostFrame.DEFECT, f"{type(error).__name__}: the log has the reason")
    return task.result()


def _settled(
    frame: Frame, key: str | None, attempts: int, lost: LostFrame | None, detail: str | None = None
) -> FrameSettled:
    return FrameSettled(
        seq=frame.seq,
        captured_at=frame.captured_at,
        key=key,
        bytes=len(frame.jpeg),
        attempts=attempts,
        took_ms=round(max(0.0, time.monotonic() - frame.taken_s) * 1000, 1),
        reason=lost,
        detail=None if detail is None else detail[:_DETAIL_CHARS],
    )
