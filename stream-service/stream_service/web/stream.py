"""The live view over WebSocket, for `live`.

A live view sends one text message (`{"type": "format", "mime": …}`), then the header and fragments of MP4 as binary
messages. When it cannot go on it sends `{"type": "error", "reason", "detail"}` and closes with a code of `live`.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct

from apiflask import APIFlask
from flask import request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

from shared_kernel.auth import verify_ticket
from shared_kernel.errors import Unauthorised
from stream_service.live import NO_CAMERA, TICKET, Ending, Viewer
from stream_service.ports import Seen
from stream_service.web.parts import LiveParts

#: How long a new viewer waits for a camera that is just connecting, seconds.
JOIN_TIMEOUT_S = 3.0
#: A viewer that takes nothing for this long is cut off, seconds.
SEND_TIMEOUT_S = 5
#: Bytes that the kernel may hold for a viewer: more would only hide how late it is.
SEND_BUFFER_BYTES = 512 * 1024
#: How long the end of a view waits for the viewer's answer, seconds.
CLOSE_TIMEOUT_S = 1.0


def add_stream(app: APIFlask, parts: LiveParts) -> None:
    sock = Sock(app)

    @app.before_request
    def refuse_compression() -> None:
        # video does not shrink: deflating it for every viewer would cost more than everything else here
        request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)

    @sock.route("/live/cameras/<camera_id>/stream")  # type: ignore[untyped-decorator]
    def stream(connection: Server, camera_id: str) -> None:
        _bound_sending(connection.sock)
        found = _joined(parts, camera_id, request.args.get("ticket", ""))
        if isinstance(found, Ending):
            _end(connection, found)
            return
        try:
            _play(connection, found)
        finally:
            hub = parts.fleet.hub(camera_id)
            if hub is not None:
                hub.leave(found)


def _joined(parts: LiveParts, camera_id: str, ticket: str) -> Viewer | Ending:
    """A viewer, if ticket, camera, right and picture allow it."""
    try:
        user_id = verify_ticket(parts.ticket_key, ticket, "live", camera_id).user_id
    except Unauthorised as error:
        return Ending(TICKET, "ticket", error.detail)
    hub = parts.fleet.hub(camera_id)
    if hub is None:
        return Ending(NO_CAMERA, "no_camera", "there is no such camera, or it is switched off")
    seen = Seen(user_id, camera_id)
    return parts.rights.check(seen) or hub.join(seen, JOIN_TIMEOUT_S)


def _play(connection: Server, viewer: Viewer) -> None:
    """Send until the viewer leaves or the view ends."""
    with contextlib.suppress(ConnectionClosed, OSError):
        connection.send(json.dumps({"type": "format", "mime": viewer.mime}))
        connection.send(viewer.header)
        while connection.connected and (fragments := viewer.take(1.0)) is not None:
            if fragments:
                connection.send(fragments)
    if viewer.ending is not None:
        _end(connection, viewer.ending)


def _end(connection: Server, ending: Ending) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        connection.send(json.dumps({"type": "error", "reason": ending.reason, "detail": ending.detail}))
        connection.close(ending.code, ending.reason)
        # the peer answers the close; without waiting for it the connection would be reset, and the reason lost with it
        connection.thread.join(CLOSE_TIMEOUT_S)


def _bound_sending(sock: socket.socket) -> None:
    """A peer that reads nothing makes `send` fail after a while instead of holding its thread for ever."""
    with contextlib.suppress(OSError):  # it has left already, or is no TCP connection
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT_S, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
