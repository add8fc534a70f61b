"""One child that decodes strangers' files: `python -m shared_kernel.vision.decoding_child FD`.

Its parent is `decoding`. FD is its end of a pair of sockets. It says READY once; then to each request (SIZE and the
file) TAKEN, and one line of JSON: `height` and `width`, together with a descriptor of memory that holds the
pixels, so that they are never copied through the socket; or `code` and `detail`. It ends when the other end is gone.
"""

import contextlib
import faulthandler
import json
import logging
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import warnings
from pathlib import Path
from threading import Thread
from typing import Final, NoReturn

import cv2
import numpy as np

from shared_kernel.vision.pictures import UnreadablePicture, decode
from shared_kernel.vision.ports import Picture

#: Address space of a child: libraries, and a picture of 50 megapixels several times over, bytes.
MAX_MEMORY_BYTES: Final = 4 * 1024**3

#: A child whose worker is gone and that hangs in a decoder is ended by the kernel after this, seconds.
LAST_RESORT_S: Final = 40

#: The line of an answer is never longer, bytes.
MAX_LINE_BYTES: Final = 4096

SIZE: Final = struct.Struct("<I")
READY: Final = b"ready\n"
TAKEN: Final = b"+"
_MAX_DETAIL_CHARS: Final = 500


def serve(connection: socket.socket) -> None:
    """Answer requests until the other end is gone: the life of a child."""
    Thread(target=_end_with, args=(connection,), daemon=True).start()
    connection.sendall(READY)
    while head := connection.recv(SIZE.size, socket.MSG_WAITALL):
        size = SIZE.unpack(head)[0]
        data = connection.recv(size, socket.MSG_WAITALL) if size else b""
        connection.sendall(TAKEN)  # from here on its end is the file's fault
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
    connection.sendall(_line(code=code, detail=detail[:_MAX_DETAIL_CHARS]))


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


def _hush_decoders() -> None:
    """Damaged files are everyday and answered; their decoders' complaints would bury the log.

    Libraries in C write to descriptor 2, which leads nowhere from here on. What ends the child is still told: Python
    keeps the descriptor that was there, and says there over which signal it dies.
    """
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    faulthandler.enable(sys.stderr)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    logging.disable()
    warnings.simplefilter("ignore")


def main() -> None:
    """Run a child on the socket whose descriptor is the only argument."""
    _hush_decoders()
    cv2.setNumThreads(1)
    _limit_memory()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with socket.socket(fileno=int(sys.argv[1])) as connection, contextlib.suppress(BrokenPipeError):
        serve(connection)


if __name__ == "__main__":
    main()
