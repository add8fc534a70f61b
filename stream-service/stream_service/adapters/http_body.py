"""Bytes over HTTP for libav: each address is checked before it is asked, the typed one and those of redirects.

libav itself would resolve the name a second time and follow redirects to anywhere. `HttpBody` is a file as libav wants
it; `pyav_camera` gives it a stream or a file, `hls_body` its playlists and pieces.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

from shared_kernel.messages import CameraReason
from stream_service.adapters.sockets import connected, socket_failed
from stream_service.addresses import (
    DEFAULT_PORTS,
    Target,
    credentials,
    with_credentials_of,
    without_credentials,
)
from stream_service.challenge import answer
from stream_service.opening import Opening, Stage
from stream_service.playlist import Part
from stream_service.rules import FROZEN_AFTER_S, CameraFailed

MAX_REDIRECTS: Final = 5
#: A read gives up this much later than the watchdog, which names the reason, seconds.
_READ_TIMEOUT_S: Final = FROZEN_AFTER_S + 3.0
_SCHEMES: Final = frozenset({"http", "https"})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_UNAUTHORISED, _FORBIDDEN, _GONE, _ERRORS, _SERVER_ERRORS, _PARTIAL = 401, 403, (404, 410), 400, 500, 206


@dataclass
class Fetching:
    """How addresses are asked for one camera: `typed` is its own, whose login serves for further ones on that host.

    `close` ends what is under way, from any thread.
    """

    typed: str
    check: Callable[[str], Target]
    opening: Opening

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: set[socket.socket] = set()
        self._closed = False

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for line in self._lines:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

    def hold(self, line: socket.socket) -> None:
        """Have `close` end this connection.

        Raises:
            CameraFailed: closed already.
        """
        with self._lock:
            if self._closed:
                line.close()
                raise CameraFailed(CameraReason.CLOSED, "camera: the connection was ended here")
            self._lines.add(line)

    def release(self, line: socket.socket) -> None:
        with self._lock:
            self._lines.discard(line)
        with contextlib.suppress(OSError):
            line.close()


@dataclass
class _Got:
    """An answer with its connection; `url` is where it came from, without credentials."""

    url: str
    response: http.client.HTTPResponse
    line: socket.socket

    def drop(self, fetching: Fetching) -> None:
        self.response.close()
        fetching.release(self.line)


class HttpBody(io.RawIOBase):
    """The body of a GET as a file. Can be sought where the server has ranges. Not thread safe, but for `Fetching`.

    Raises:
        CameraFailed: from every method, with the reason.
    """

    def __init__(self, part: Part, fetching: Fetching, until_s: float) -> None:
        super().__init__()
        self._fetching, self._part = fetching, part
        self._got = _get(part, fetching, until_s)
        self._at = part.start
        #: Where the open answer is; libav looks at the end of a file and comes back, which shall cost no request.
        self._answer_at = part.start
        #: Where the bytes come from after redirects, without credentials: what further addresses are relative to.
        self.name = self._got.url
        self.content_type = (self._got.response.headers.get_content_type() or "").lower()
        size = self._got.response.headers.get("Content-Length", "")
        self.size = part.start + int(size) if size.isdecimal() else None
        ranges = self._got.response.headers.get("Accept-Ranges", "").lower() == "bytes"
        self._ranges = ranges and self.size is not None and part.length is None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._ranges

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        if self._at != self._answer_at:
            if self._at >= (self.size or 0):
                return b""
            self._got.drop(self._fetching)
            further = Part(self._part.url, self._at)
            self._got = _get(further, self._fetching, time.monotonic() + _READ_TIMEOUT_S)
            self._answer_at = self._at
        try:
            data = self._got.response.read1(size if size > 0 else 65536)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise http_failed(error) from None
        self._at += len(data)
        self._answer_at = self._at
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        wanted = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size or 0}.get(whence, 0) + offset
        if wanted != self._at and (not self._ranges or wanted < 0):
            raise CameraFailed(CameraReason.INVALID_DATA, "camera: cannot go to another place of this stream")
        self._at = wanted
        return wanted

    def close(self) -> None:
        if not self.closed:
            self._got.drop(self._fetching)
        super().close()


def read_whole(url: str, fetching: Fetching, until_s: float, limit_bytes: int) -> tuple[bytes, str]:
    """A whole small body, and where it came from.

    Raises:
        CameraFailed: with the reason; also when it is larger than `limit_bytes` or takes longer.
    """
    with contextlib.closing(HttpBody(Part(url), fetching, until_s)) as body:
        return read_rest(body, until_s, limit_bytes), body.name


def read_rest(body: HttpBody, until_s: float, limit_bytes: int) -> bytes:
    """What is left of a small body; see `read_whole`."""
    found = bytearray()
    while data := body.read(65536):
        found += data
        if len(found) > limit_bytes:
            raise CameraFailed(CameraReason.INVALID_DATA, f"camera: expected at most {limit_bytes} bytes of playlist")
        if time.monotonic() > until_s:
            raise CameraFailed(CameraReason.TIMEOUT, "camera: did not answer in time")
    return bytes(found)


def http_failed(error: Exception) -> CameraFailed:
    """The reason behind an error of a connection."""
    if isinstance(error, http.client.RemoteDisconnected | http.client.IncompleteRead):
        return CameraFailed(CameraReason.CLOSED, "camera: closed the connection")
    if isinstance(error, http.client.HTTPException):
        return CameraFailed(CameraReason.INVALID_DATA, "camera: does not speak HTTP")
    return socket_failed(error if isinstance(error, OSError) else ValueError())


def _get(part: Part, fetching: Fetching, until_s: float) -> _Got:
    """Ask for `part`, there where it leads to, with name and password when they are wanted."""
    opening, word = fetching.opening, None
    target = _allowed(part.url, fetching)
    for _ in range(MAX_REDIRECTS + 2):
        got = _ask(target, part, fetching, until_s, word)
        headers, status = got.response.headers, got.response.status
        known = credentials(target.url)
        if status in _REDIRECTS:
            got.drop(fetching)
            target, word = _allowed(urljoin(target.url, headers.get("Location", "")), fetching), None
            opening.redirects += 1
        elif status == _UNAUTHORISED and known is not None and word is None:
            got.drop(fetching)
            word = answer(headers.get_all("WWW-Authenticate") or [], "GET", _path(target.url), *known)
            if word is None:
                raise CameraFailed(CameraReason.UNAUTHORISED, "camera: wants a kind of login that is not known here")
            opening.login = "digest" if word.startswith("Digest") else "basic"
        else:
            return _accepted(got, fetching, part.start)
    raise CameraFailed(CameraReason.REFUSED, f"camera: redirects more than {MAX_REDIRECTS} times")


def _allowed(url: str, fetching: Fetching) -> Target:
    if urlsplit(url).scheme not in _SCHEMES:
        raise CameraFailed(CameraReason.BLOCKED_ADDRESS, "camera: leads to an address that is not allowed")
    return fetching.check(with_credentials_of(fetching.typed, url))


def _ask(target: Target, part: Part, fetching: Fetching, until_s: float, word: str | None) -> _Got:
    line, address = connected(target, until_s)
    fetching.opening.address = f"{address}:{target.port}"
    fetching.opening.done(Stage.CONNECT)
    fetching.hold(line)
    host = f"[{target.host}]" if ":" in target.host else target.host
    headers = {"Host": host if target.port == DEFAULT_PORTS[target.scheme] else f"{host}:{target.port}"}
    headers |= {"User-Agent": "Xunshi", "Accept": "*/*", "Connection": "close"}
    if word is not None:
        headers["Authorization"] = word
    if part.start or part.length is not None:
        headers["Range"] = f"bytes={part.start}-{'' if part.length is None else part.start + part.length - 1}"
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = line
    try:
        line.settimeout(max(0.1, min(_READ_TIMEOUT_S, until_s - time.monotonic())))
        connection.request("GET", _path(target.url), headers=headers)
        response = connection.getresponse()
        line.settimeout(_READ_TIMEOUT_S)
    except (OSError, http.client.HTTPException, ValueError) as error:
        fetching.release(line)
        raise http_failed(error) from None
    return _Got(without_credentials(target.url), response, line)


def _accepted(got: _Got, fetching: Fetching, start: int) -> _Got:
    status, opening = got.response.status, fetching.opening
    failed = None
    if status == _UNAUTHORISED:
        failed = CameraFailed(CameraReason.UNAUTHORISED, "camera: wants another user name or password")
    elif status == _FORBIDDEN:
        failed = CameraFailed(CameraReason.UNAUTHORISED, "camera: forbids this user to look")
    elif status in _GONE:
        failed = CameraFailed(CameraReason.NOT_FOUND, f"camera: knows no such stream ({status})")
    elif status >= _SERVER_ERRORS:
        failed = CameraFailed(CameraReason.REFUSED, f"camera: reports an error of its own ({status})")
    elif status >= _ERRORS:
        failed = CameraFailed(CameraReason.REFUSED, f"camera: refused the request ({status})")
    elif start and status != _PARTIAL:
        failed = CameraFailed(CameraReason.INVALID_DATA, "camera: sends another part than was asked for")
    if failed is not None:
        got.drop(fetching)
        raise failed
    opening.server = opening.server or got.response.headers.get("Server", "")[:80]
    with contextlib.suppress(ValueError, TypeError):
        if opening.server_time is None:
            opening.server_time = parsedate_to_datetime(got.response.headers.get("Date", ""))
            opening.server_time_s = time.monotonic()
    opening.done(Stage.LOGIN)
    return got


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
