"""The first words with an RTSP camera: who is there, does it let us in, what does it offer, does it send us elsewhere.

libav opens the stream afterwards (`pyav_camera`), at the address that this has found. It would follow a redirect to
anywhere; so redirects are followed here, each checked like the address that was typed. And it says little of why it
fails; so login and description are asked for here, where each has its own answer.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, Self
from urllib.parse import urljoin, urlsplit

from shared_kernel.messages import CameraReason
from stream_service.adapters.sockets import connected, socket_failed
from stream_service.addresses import Target, credentials, with_credentials_of, without_credentials
from stream_service.challenge import answer
from stream_service.opening import Opening, Stage
from stream_service.rules import CameraFailed

MAX_REDIRECTS: Final = 5
_MAX_HEAD_BYTES: Final = 32 * 1024
_MAX_BODY_BYTES: Final = 256 * 1024
_SCHEMES: Final = frozenset({"rtsp", "rtsps"})
_UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _SESSION_NOT_FOUND = 401, 403, 404, 454
_REDIRECTS: Final = range(300, 400)
_OK, _CLIENT_ERRORS, _SERVER_ERRORS = range(200, 300), range(400, 500), 500


@dataclass(frozen=True)
class Reply:
    """Status, headers (names in lower case, several of one name in order) and body of one answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        return next(iter(self.all(name)), "")


def described(target: Target, check: Callable[[str], Target], opening: Opening, until_s: float) -> tuple[Target, str]:
    """Ask for the description of a stream; follow redirects.

    Args:
        target: Checked.
        check: Checks every further address.
        opening: Is told of every stage, and takes what is found.
        until_s: Monotonic time at which this must have ended.

    Returns:
        Where the stream is, and the IP address that answered there.

    Raises:
        CameraFailed: with the reason.
    """
    for _ in range(MAX_REDIRECTS + 1):
        line, address = connected(target, until_s)
        opening.address = f"{address}:{target.port}"
        opening.done(Stage.CONNECT)
        with _Talk(line, until_s) as talk:
            reply = _asked(talk, target, opening, until_s)
        if reply.status in _REDIRECTS:
            target = _elsewhere(reply, target, check)
            opening.redirects += 1
            continue
        _require_ok(reply)
        opening.done(Stage.LOGIN)
        _note(reply, opening)
        return target, address
    raise CameraFailed(CameraReason.REFUSED, f"camera: redirects more than {MAX_REDIRECTS} times")


def _asked(talk: _Talk, target: Target, opening: Opening, until_s: float) -> Reply:
    """The answer to DESCRIBE, with name and password when the camera wants them."""
    uri = without_credentials(target.url)
    reply = talk.ask("DESCRIBE", uri)
    known = credentials(target.url)
    if reply.status != _UNAUTHORISED or known is None:
        return reply
    word = answer(reply.all("www-authenticate"), "DESCRIBE", uri, *known)
    if word is None:
        raise CameraFailed(CameraReason.UNAUTHORISED, "camera: wants a kind of login that is not known here")
    opening.login = "digest" if word.startswith("Digest") else "basic"
    try:
        return talk.ask("DESCRIBE", uri, word)
    except CameraFailed as error:
        if error.reason is not CameraReason.CLOSED:
            raise
    with _Talk(connected(target, until_s)[0], until_s) as again:  # some close after each 401
        return again.ask("DESCRIBE", uri, word)


def _elsewhere(reply: Reply, target: Target, check: Callable[[str], Target]) -> Target:
    further = with_credentials_of(target.url, urljoin(target.url, reply.one("location")))
    if urlsplit(further).scheme not in _SCHEMES:
        raise CameraFailed(CameraReason.BLOCKED_ADDRESS, "camera: leads to an address that is not allowed")
    return check(further)


def _require_ok(reply: Reply) -> None:
    if reply.status == _UNAUTHORISED:
        raise CameraFailed(CameraReason.UNAUTHORISED, "camera: wants another user name or password")
    if reply.status == _FORBIDDEN:
        raise CameraFailed(CameraReason.UNAUTHORISED, "camera: forbids this user to look")
    if reply.status in (_NOT_FOUND, _SESSION_NOT_FOUND):
        raise CameraFailed(CameraReason.NOT_FOUND, "camera: knows no such stream (404)")
    if reply.status in _CLIENT_ERRORS:
        raise CameraFailed(CameraReason.REFUSED, f"camera: refused the request ({reply.status})")
    if reply.status >= _SERVER_ERRORS:
        raise CameraFailed(CameraReason.REFUSED, f"camera: reports an error of its own ({reply.status})")
    if reply.status not in _OK:
        raise CameraFailed(CameraReason.INVALID_DATA, f"camera: gives an answer without meaning ({reply.status})")


def _note(reply: Reply, opening: Opening) -> None:
    opening.kind, opening.server = "RTSP", reply.one("server")[:80]
    with contextlib.suppress(ValueError, TypeError):
        opening.server_time = parsedate_to_datetime(reply.one("date"))
        opening.server_time_s = time.monotonic()
    medium = ""
    opening.audio = "none"
    offers_video = False
    for line in reply.body.splitlines():
        if line.startswith("m="):
            medium = line[2:].split(" ", 1)[0]
            offers_video = offers_video or medium == "video"
            if medium == "audio":
                opening.audio = "audio"
        elif line.startswith("a=rtpmap:") and medium == "audio":
            opening.audio = line.rpartition(" ")[2].split("/")[0][:20].upper()
    if not offers_video:
        raise CameraFailed(CameraReason.NO_VIDEO, "camera: sends no video")


class _Talk:
    """Questions and answers over one connection; closed at the end."""

    def __init__(self, line: socket.socket, until_s: float) -> None:
        self._line, self._until_s = line, until_s
        self._number = 0
        self._waiting = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._line.close()

    def ask(self, method: str, uri: str, authorization: str | None = None) -> Reply:
        """The answer.

        Raises:
            CameraFailed: there is none in time, or what comes is no RTSP.
        """
        self._number += 1
        heads = [f"CSeq: {self._number}", "User-Agent: Xunshi", "Accept: application/sdp"]
        if authorization is not None:
            heads.append(f"Authorization: {authorization}")
        text = "\r\n".join([f"{method} {uri} RTSP/1.0", *heads, "", ""])
        try:
            self._line.settimeout(self._left_s())
            self._line.sendall(text.encode())
            return self._reply()
        except (OSError, ValueError) as error:
            raise socket_failed(error) from None

    def _reply(self) -> Reply:
        while b"\r\n\r\n" not in self._waiting:
            if len(self._waiting) > _MAX_HEAD_BYTES or not b"RTSP/".startswith(self._waiting[:5]):
                raise CameraFailed(CameraReason.INVALID_DATA, "camera: does not speak RTSP")
            self._more()
        head, _, rest = bytes(self._waiting).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ", 2)
        if not first.startswith("RTSP/") or len(words) < 2 or not words[1].isdecimal():  # noqa: PLR2004 - and a status
            raise CameraFailed(CameraReason.INVALID_DATA, "camera: does not speak RTSP")
        headers = tuple(
            (name.strip().lower(), value.strip()) for name, _, value in (one.partition(":") for one in lines)
        )
        length_text = next((value for name, value in headers if name == "content-length"), "0")
        length = min(int(length_text) if length_text.isdecimal() else 0, _MAX_BODY_BYTES)
        self._waiting = bytearray(rest)
        while len(self._waiting) < length:
            self._more()
        body = bytes(self._waiting[:length]).decode("utf-8", "replace")
        del self._waiting[:length]
        return Reply(int(words[1][:4]), headers, body)

    def _more(self) -> None:
        self._line.settimeout(self._left_s())
        data = self._line.recv(65536)
        if not data:
            raise CameraFailed(CameraReason.CLOSED, "camera: closed the connection")
        self._waiting += data

    def _left_s(self) -> float:
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s
