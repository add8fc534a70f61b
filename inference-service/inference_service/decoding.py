"""Strangers' files are decoded in child processes: a decoder that crashes, hangs or eats memory takes only itself.

`python -m inference_service.decoding FD` is the child: a request is a file, the answer is one line of JSON, and for a
picture also a descriptor of memory with its pixels, so that they are never copied through the pipe. `pictures` does the
decoding. Frames of our own cameras come from our own encoder and are decoded in the worker itself.
"""

import contextlib
import heapq
import json
import mmap
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from threading import Condition, Thread
from typing import Final, NoReturn, Self

import numpy as np

from inference_service.pictures import MAX_BYTES, UnreadablePicture, decode
from inference_service.ports import DecoderTally, Picture
from inference_service.rules import BUDGET_S, DECODE_LIMIT_S, Urgency
from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger

log = get_logger(__name__)

#: Address space of a child: libraries, and a picture of 50 megapixels several times over, bytes.
MAX_MEMORY_BYTES: Final = 4 * 1024**3

#: A child that starts imports its libraries first, seconds.
START_LIMIT_S: Final = 20.0

#: A child whose worker is gone and that hangs in a decoder is ended by the kernel after this, seconds.
LAST_RESORT_S: Final = 40

_SIZE: Final = struct.Struct("<I")
_READY: Final = b"ready\n"
_MAX_LINE_BYTES: Final = 4096


class Decoders:
    """Some children and a queue before them; what is due first goes first, as at the desk.

    A child is replaced at once when it ended; who waits for one is not told.
    """

    def __init__(self, count: int, tally: DecoderTally) -> None:
        """Start `count` children."""
        self._tally = tally
        self._idle = [_Child() for _ in range(count)]
        self._waiting: list[tuple[float, int]] = []
        self._numbered = 0
        self._closed = False
        self._changed = Condition()

    def decode(self, data: bytes, urgency: Urgency) -> Picture:
        """Decode a stranger's file; see `inference_service.pictures.decode`.

        Raises:
            UnreadablePicture: see there; also `not_analysable`: the decoder crashed over it, and `too_slow`.
            Unavailable: no child can be started, or the worker is stopping.
        """
        if len(data) > MAX_BYTES:
            raise UnreadablePicture(f"picture: expected at most {MAX_BYTES} bytes, got {len(data)}", code="too_large")
        child = self._take(urgency)
        if child.gone:  # it ended while it had nothing to do, which is no file's fault
            child = _Child()
        try:
            return child.decode(data, DECODE_LIMIT_S[urgency])
        except _Ended as error:
            child.kill()
            self._tally.decoder_ended(error.reason)
            log.warning("decoder ended", extra=fields(reason=error.reason, bytes=len(data)))
            if error.reason == "too_slow":
                limit_s = DECODE_LIMIT_S[urgency]
                raise UnreadablePicture(f"picture: not decoded within {limit_s:g} s", code="too_slow") from error
            raise UnreadablePicture("picture: the decoder ended over it", code="not_analysable") from error
        finally:
            self._give_back(child)

    def pids(self) -> list[int]:
        """Process ids of the idle children."""
        with self._changed:
            return [child.pid for child in self._idle]

    def close(self) -> None:
        """End the children; those at work end after their file."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            self._changed.notify_all()
        for child in idle:
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
            closed = self._closed
            if not closed:
                self._idle.append(child if child.alive else _Child())
                self._changed.notify_all()
        if closed:
            child.kill()


class _Ended(Exception):
    """A child ended over a file, or had to be."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Child:
    """The parent's end of one child."""

    def __init__(self) -> None:
        own, its = socket.socketpair()
        with its:
            environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            command = [sys.executable, "-m", __name__, str(its.fileno())]
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, env=environment, start_new_session=True
            )
        self._socket = own
        self._ready = False
        self.alive = True

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def gone(self) -> bool:
        return self._process.poll() is not None

    def decode(self, data: bytes, limit_s: float) -> Picture:
        self._wait_until_ready()
        deadline_s = time.monotonic() + limit_s
        try:
            self._within(deadline_s)
            self._socket.sendall(_SIZE.pack(len(data)) + data)
            line, descriptors = b"", []
            while not line.endswith(b"\n"):
                self._within(deadline_s)
                part, more, _, _ = socket.recv_fds(self._socket, _MAX_LINE_BYTES, 1)
                descriptors += more
                if not part:
                    raise _Ended("crashed")
                line += part
        except TimeoutError as error:
            raise _Ended("too_slow") from error
        except OSError as error:
            raise _Ended("crashed") from error
        return _picture(json.loads(line), descriptors)

    def kill(self) -> None:
        self.alive = False
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _wait_until_ready(self) -> None:
        """A child that cannot even start is not the picture's fault."""
        if self._ready:
            return
        self._socket.settimeout(START_LIMIT_S)
        try:
            self._ready = self._socket.recv(len(_READY), socket.MSG_WAITALL) == _READY
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


def serve(connection: socket.socket) -> None:
    """Answer requests until the other end is gone: the life of a child."""
    Thread(target=_end_with, args=(connection,), daemon=True).start()
    connection.sendall(_READY)
    while head := connection.recv(_SIZE.size, socket.MSG_WAITALL):
        size = _SIZE.unpack(head)[0]
        data = connection.recv(size, socket.MSG_WAITALL) if size else b""
        signal.alarm(LAST_RESORT_S)
        try:
            _answer(connection, decode(data))
        except UnreadablePicture as error:
            _refuse(connection, error.code, error.detail)
        except MemoryError:
            _refuse(connection, "not_analysable", "picture: needs more memory than a picture may")
        signal.alarm(0)


def _answer(connection: socket.socket, picture: Picture) -> None:
    height, width = picture.shape[:2]
    descriptor = _memory(picture)
    try:
        socket.send_fds(connection, [_line(height=height, width=width)], [descriptor])
    finally:
        os.close(descriptor)


def _refuse(connection: socket.socket, code: str, detail: str) -> None:
    connection.sendall(_line(code=code, detail=detail[:500]))


def _line(**values: object) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _memory(picture: Picture) -> int:
    """Give a descriptor of memory with the pixels; no file of any name, so that nothing is left over after a crash."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("picture")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    rest = np.ascontiguousarray(picture).data.cast("B")
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    return descriptor


def _end_with(connection: socket.socket) -> NoReturn:
    """End this process when its worker is gone, also in the middle of a file."""
    hangup = select.poll()
    hangup.register(connection, 0)
    hangup.poll()
    os._exit(0)


def _limit_memory() -> None:
    """Where the system cannot (macOS refuses), the limits on bytes and pixels have to do."""
    import resource

    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Run a child on the socket whose descriptor is the only argument."""
    import cv2

    cv2.setNumThreads(1)
    _limit_memory()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with socket.socket(fileno=int(sys.argv[1])) as connection, contextlib.suppress(BrokenPipeError):
        serve(connection)


if __name__ == "__main__":
    main()
