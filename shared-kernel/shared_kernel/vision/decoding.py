"""Strangers' files are decoded in child processes: a decoder that crashes, hangs or eats memory takes only itself.

`decoding_child` is what runs there, with `pictures`. Frames of our own cameras come from our own encoder; they are
decoded in the worker itself.
"""

import contextlib
import heapq
import json
import mmap
import os
import socket
import subprocess
import sys
import time
from threading import Condition
from typing import Final, Self

import numpy as np

from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.vision import decoding_child
from shared_kernel.vision.decoding_child import MAX_LINE_BYTES, READY, SIZE
from shared_kernel.vision.pictures import MAX_BYTES, UnreadablePicture
from shared_kernel.vision.ports import DecoderTally, Picture
from shared_kernel.vision.rules import BUDGET_S, DECODE_LIMIT_S, Urgency

log = get_logger(__name__)

#: A child that starts imports its libraries first, seconds.
START_LIMIT_S: Final = 20.0

#: Children that are tried one after the other when they end before they have taken a file.
MAX_STARTS: Final = 3

#: What a child needs of the environment; the service's secrets are not for it.
_INHERITED: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Decoders:
    """Some children and a queue before them; what is due first goes first, as at the desk.

    A child is replaced at once when it ended; who waits for one is not told.
    """

    def __init__(self, count: int, tally: DecoderTally) -> None:
        """Start `count` children."""
        self._tally = tally
        self._children = [_Child() for _ in range(count)]
        self._idle = list(self._children)
        self._waiting: list[tuple[float, int]] = []
        self._numbered = 0
        self._closed = False
        self._changed = Condition()

    def decode(self, data: bytes, urgency: Urgency) -> Picture:
        """Decode a stranger's file; see `shared_kernel.vision.pictures.decode`.

        Raises:
            UnreadablePicture: see there; also `not_analysable`: the decoder crashed over it, and `too_slow`.
            Unavailable: no child can be started, or the worker is stopping.
        """
        if len(data) > MAX_BYTES:
            raise UnreadablePicture(f"picture: expected at most {MAX_BYTES} bytes, got {len(data)}", code="too_large")
        for _ in range(MAX_STARTS):
            child = self._take(urgency)
            try:
                return child.decode(data, DECODE_LIMIT_S[urgency])
            except _NotTaken:
                child.kill()
            except _Ended as error:
                child.kill()
                raise self._verdict(error.reason, len(data), DECODE_LIMIT_S[urgency]) from error
            finally:
                self._give_back(child)
        raise Unavailable("decoder", f"{MAX_STARTS} children ended before they took the file")

    def pids(self) -> list[int]:
        """Process ids of the children."""
        with self._changed:
            return [child.pid for child in self._children]

    def close(self) -> None:
        """End the children, also those at work; whoever waits for one is told that the worker stops."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            for child in self._children:
                child.end()
            for child in self._idle:
                child.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, urgency: Urgency) -> "_Child":
        with self._changed:
            self._numbered += 1
            ticket = time.monotonic() + BUDGET_S[urgency], self._numbered
            heapq.heappush(self._waiting, ticket)
            self._changed.wait_for(lambda: self._closed or (self._idle and self._waiting[0] == ticket))
            self._waiting.remove(ticket)
            heapq.heapify(self._waiting)
            self._changed.notify_all()
            if self._closed:
                raise Unavailable("decoder", "the worker is stopping")
            return self._idle.pop()

    def _give_back(self, child: "_Child") -> None:
        with self._changed:
            if self._closed:
                child.kill()
            elif not child.alive:
                child = self._successor(child)
            self._idle.append(child)
            self._changed.notify_all()

    def _successor(self, child: "_Child") -> "_Child":
        """Start another in the place of one that ended; where the machine has no room the place is kept for later."""
        try:
            new = _Child()
        except OSError as error:
            log.warning("decoder not started", extra=fields(reason=error))
            return child
        self._children[self._children.index(child)] = new
        return new

    def _verdict(self, reason: str, size: int, limit_s: float) -> Exception:
        if self._closed:
            return Unavailable("decoder", "the worker is stopping")
        self._tally.decoder_ended(reason)
        log.warning("decoder ended", extra=fields(reason=reason, bytes=size))
        if reason == "too_slow":
            return UnreadablePicture(f"picture: not decoded within {limit_s:g} s", code="too_slow")
        return UnreadablePicture("picture: the decoder ended over it", code="not_analysable")


class _Ended(Exception):
    """A child ended over a file, or had to be."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _NotTaken(Exception):
    """A child ended before it had the file, which is not the file's fault."""


class _Child:
    """The parent's end of one child."""

    def __init__(self) -> None:
        own, its = socket.socketpair()
        with its, contextlib.ExitStack() as unless_started:
            unless_started.enter_context(own)
            environment = {name: os.environ[name] for name in _INHERITED if name in os.environ} | _ONE_THREAD
            command = [sys.executable, "-m", decoding_child.__name__, str(its.fileno())]
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, env=environment, start_new_session=True
            )
            unless_started.pop_all()
        self._socket = own
        self._ready = False
        self.alive = True

    @property
    def pid(self) -> int:
        return self._process.pid

    def decode(self, data: bytes, limit_s: float) -> Picture:
        if not self.alive:
            raise _NotTaken
        self._wait_until_ready()
        deadline_s = time.monotonic() + limit_s
        try:
            self._hand_over(data, deadline_s)
            line, descriptors = self._answer(deadline_s)
        except TimeoutError as error:
            raise _Ended("too_slow") from error
        return _picture(json.loads(line), descriptors)

    def _hand_over(self, data: bytes, deadline_s: float) -> None:
        try:
            self._within(deadline_s)
            self._socket.sendall(SIZE.pack(len(data)) + data)
            self._within(deadline_s)
            taken = self._socket.recv(1)
        except TimeoutError:
            raise
        except OSError as error:
            raise _NotTaken from error
        if not taken:
            raise _NotTaken

    def _answer(self, deadline_s: float) -> tuple[bytes, list[int]]:
        line, descriptors = b"", []
        while not line.endswith(b"\n"):
            self._within(deadline_s)
            try:
                part, more, _, _ = socket.recv_fds(self._socket, MAX_LINE_BYTES, 1)
            except ConnectionError:
                part, more = b"", []
            descriptors += more
            if not part:
                raise _Ended("crashed")
            line += part
        return line, descriptors

    def end(self) -> None:
        """End the process; whoever waits for its answer notices."""
        self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        self.alive = False
        self._socket.close()
        self.end()

    def _wait_until_ready(self) -> None:
        """A child that cannot even start is not the picture's fault."""
        if self._ready:
            return
        self._socket.settimeout(START_LIMIT_S)
        try:
            self._ready = self._socket.recv(len(READY), socket.MSG_WAITALL) == READY
        except OSError:
            self._ready = False
        if not self._ready:
            self.kill()
            raise Unavailable("decoder", f"a child did not start; it ended with {self._process.returncode}")

    def _within(self, deadline_s: float) -> None:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._socket.settimeout(left_s)


def _picture(answer: dict[str, object], descriptors: list[int]) -> Picture:
    """Turn an answer into a picture; its memory goes when the array does."""
    try:
        if "code" in answer:
            raise UnreadablePicture(str(answer["detail"]), code=str(answer["code"]))
        height, width = int(str(answer["height"])), int(str(answer["width"]))
        size = height * width * 3
        if not descriptors or os.fstat(descriptors[0]).st_size != size:
            raise _Ended("crashed")
        return np.frombuffer(mmap.mmap(descriptors[0], size), np.uint8).reshape(height, width, 3)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
