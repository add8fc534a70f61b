"""Requests about a camera that another replica runs go on to that replica, whatever they are: WebSocket, video, JSON.

Nobody in front has to know who runs what: gateway and API ask any replica. The request is sent again byte for byte,
then bytes are copied both ways until one side ends or the camera moves. Who may look is decided there, not here.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

from apiflask import APIFlask
from flask import Response, request

from shared_kernel.errors import Unavailable
from stream_service.web.parts import LiveParts
from stream_service.web.sending import bound_sending

#: Says that a replica has sent this on: the next one answers or refuses, so that nothing goes round in circles.
FORWARDED: Final = "X-Xunshi-Forwarded"
#: Another replica takes a connection within this time, seconds.
CONNECT_TIMEOUT_S: Final = 1.0
#: Bodies that are sent on are small questions.
MAX_BODY_BYTES: Final = 1024 * 1024
#: How often it is asked whether the camera is still there, seconds.
LOOK_EVERY_S: Final = 1.0
_CHUNK_BYTES: Final = 64 * 1024
#: Headers that are said anew.
_OWN_HEADERS: Final = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive"})


def add_forward(app: APIFlask, parts: LiveParts) -> None:
    """Before every route that has a camera's id in its path."""

    @app.before_request
    def to_its_replica() -> Response | None:
        camera_id = (request.view_args or {}).get("camera_id")
        if camera_id is None or parts.fleet.runs(camera_id):
            return None
        address = parts.fleet.elsewhere(camera_id)
        if address is None or FORWARDED in request.headers:
            if parts.fleet.is_listed(camera_id):
                raise Unavailable("camera", "it just goes to another replica; try again")
            return None  # the route says that there is none
        return _forwarded(address, lambda: parts.fleet.elsewhere(camera_id) == address)


def _forwarded(address: str, is_there: Callable[[], bool]) -> Response:
    """Have the other replica answer on this connection.

    Raises:
        Unavailable: it takes no connection; nothing was sent to the client.
    """
    host, _, port = address.rpartition(":")
    client: socket.socket = request.environ["gunicorn.socket"]
    question = _question()
    try:
        other = socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT_S)
    except OSError as error:
        raise Unavailable("camera", "the replica that runs it does not answer; another one takes over") from error
    with other, contextlib.suppress(OSError):  # either side may end at any moment
        other.settimeout(None)
        bound_sending(other)
        bound_sending(client)
        other.sendall(question)
        _copy(client, other, is_there)
    return _Answered()


def _question() -> bytes:
    """The request as bytes, with its body."""
    request.max_content_length = MAX_BODY_BYTES
    body = request.get_data()
    upgrades = request.headers.get("Upgrade") is not None
    lines = [f"{request.method} {request.environ['RAW_URI']} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers if name.lower() not in _OWN_HEADERS]
    lines += [f"{FORWARDED}: 1", f"Connection: {'Upgrade' if upgrades else 'close'}"]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _copy(client: socket.socket, other: socket.socket, is_there: Callable[[], bool]) -> None:
    """Bytes both ways until one side ends or the camera is not there any more."""
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, client)
        while is_there():
            for key, _ in selector.select(LOOK_EVERY_S):
                source: Any = key.fileobj
                data = source.recv(_CHUNK_BYTES)
                if not data:
                    return
                key.data.sendall(data)


class _Answered(Response):
    """The answer has gone out already: gunicorn is told to add nothing and to close the connection."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:  # noqa: ARG002
        raise StopIteration
