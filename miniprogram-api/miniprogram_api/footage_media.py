"""Bytes of stored files as HTTP wants them: the whole, or the part that a player asks for when it seeks.

Used by `footage`. A part is at most `PART_BYTES`: the player asks again, and with each request the right is asked for
again. A whole file is sent piece by piece and stops when the right is withdrawn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Final

from flask import Response, request

from shared_kernel.blobs import Blobs
from shared_kernel.errors import Throttled

#: The most that one answer to a range has, bytes.
PART_BYTES: Final = 4 * 1024 * 1024
#: A whole file is read from the store in such pieces, bytes.
_PIECE_BYTES: Final = 1024 * 1024
#: Whole files that are sent at the same time at most: each holds a thread for as long as its client takes.
MAX_DOWNLOADS: Final = 8
#: While a file is sent, the right to it is asked for this often, seconds.
_ASK_EVERY_S: Final = 3.0
#: A withdrawn right must end cached parts within five seconds.
_CACHE: Final = "private, max-age=4"

_free = threading.BoundedSemaphore(MAX_DOWNLOADS)


def file_response(
    blobs: Blobs, key: str, *, mime: str, etag: str, name: str, download: bool, may: Callable[[], bool]
) -> Response:
    """The answer to the current request for an object.

    Args:
        blobs: where it lies.
        key: its key.
        mime: content type.
        etag: changes when the bytes would; they never do under one id.
        name: what it is called when saved, ASCII.
        download: to be saved rather than played.
        may: whether the caller may still have it.

    Raises:
        NotFound: the object is gone.
        Throttled: too many whole files are being sent.
    """
    size = blobs.size(key)
    response = _whole(blobs, key, size, may) if _wants_all(etag) else _part(blobs, key, size)
    response.mimetype = mime
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = f'"{etag}"'
    response.headers["Cache-Control"] = _CACHE
    response.headers["Content-Disposition"] = f'{"attachment" if download else "inline"}; filename="{name}"'
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    return response


def _wants_all(etag: str) -> bool:
    """No range, several, or one of other bytes than these."""
    wanted, condition = request.range, request.if_range
    same = condition.date is None and condition.etag in (None, etag)
    return wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1 or not same


def _part(blobs: Blobs, key: str, size: int) -> Response:
    found = request.range.range_for_length(size) if request.range else None
    if found is None:
        response = Response(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        response.headers["Content-Range"] = f"bytes */{size}"
        return response
    begin, end = found[0], min(found[1] or size, size, found[0] + PART_BYTES)
    response = Response(blobs.part(key, begin, end), HTTPStatus.PARTIAL_CONTENT)
    response.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    return response


def _whole(blobs: Blobs, key: str, size: int, may: Callable[[], bool]) -> Response:
    if not _free.acquire(blocking=False):
        raise Throttled(f"downloads: expected at most {MAX_DOWNLOADS} at a time", retry_after_s=5)
    response = Response(_pieces(blobs, key, size, may))
    response.call_on_close(_free.release)
    response.headers["Content-Length"] = str(size)
    response.headers["X-Accel-Buffering"] = "no"  # the gateway would go on sending what it holds
    return response


def _pieces(blobs: Blobs, key: str, size: int, may: Callable[[], bool]) -> Iterator[bytes]:
    """Ends early when the right is gone: the client sees a broken transfer, never a whole file."""
    asked_s = time.monotonic()
    for begin in range(0, size, _PIECE_BYTES):
        if time.monotonic() - asked_s > _ASK_EVERY_S:
            if not may():
                return
            asked_s = time.monotonic()
        yield blobs.part(key, begin, min(size, begin + _PIECE_BYTES))
