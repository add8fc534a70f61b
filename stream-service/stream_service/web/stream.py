"""The live view over WebSocket, for the dashboard.

First one text message: `{"type": "format", "mime", "converted", "masked", "unmasked"}`. Then the header and fragments
of MP4 as binary messages, and between them notes as text: `{"type": "faces", "at", "faces": […]}` with what was found
in the picture of stream time `at`, and every second `{"type": "clock", "at", "age", "said"}`, by which a player knows
how far it is behind. When it cannot go on it sends `{"type": "error", "reason", "detail"}` and closes with a code of
`live`.
"""

from __future__ import annotations

import contextlib
import json
import time

from apiflask import APIFlask
from flask import request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

from stream_service.live import Ending, LiveHub, Viewer
from stream_service.web.entry import JOIN_TIMEOUT_S, admitted
from stream_service.web.parts import LiveParts
from stream_service.web.sending import bound_sending

#: How long the end of a view waits for the viewer's answer, seconds.
CLOSE_TIMEOUT_S = 1.0
#: A player is told the time of the stream this often, seconds.
CLOCK_EVERY_S = 1.0


def add_stream(app: APIFlask, parts: LiveParts) -> None:
    sock = Sock(app)

    @app.before_request
    def refuse_compression() -> None:
        # video does not shrink: deflating it for every viewer would cost more than everything else here
        request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)

    @sock.route("/live/cameras/<camera_id>/stream")  # type: ignore[untyped-decorator]
    def stream(connection: Server, camera_id: str) -> None:
        bound_sending(connection.sock)
        who = admitted(parts, camera_id)
        if isinstance(who, Ending):
            _end(connection, who)
            return
        viewer = who.hub.join(who.seen, JOIN_TIMEOUT_S, unmasked=who.unmasked)
        if isinstance(viewer, Ending):
            _end(connection, viewer)
            return
        try:
            _play(connection, viewer, who.hub)
        finally:
            who.hub.leave(viewer)


def _play(connection: Server, viewer: Viewer, hub: LiveHub) -> None:
    """Send until the viewer leaves or the view ends."""
    about = {"converted": viewer.converted, "masked": viewer.masked, "unmasked": viewer.unmasked}
    told_s = 0.0
    with contextlib.suppress(ConnectionClosed, OSError):
        connection.send(json.dumps({"type": "format", "mime": viewer.mime, **about}))
        connection.send(viewer.header)
        while connection.connected and (fragments := viewer.take(1.0)) is not None:
            if fragments:
                connection.send(fragments)
            for note in viewer.notes():
                connection.send(note)
            if time.monotonic() - told_s >= CLOCK_EVERY_S and (reading := hub.clock_note()) is not None:
                told_s = time.monotonic()
                connection.send(reading)
    if viewer.ending is not None:
        _end(connection, viewer.ending)


def _end(connection: Server, ending: Ending) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        connection.send(json.dumps({"type": "error", "reason": ending.reason, "detail": ending.detail}))
        connection.close(ending.code, ending.reason)
        # the peer answers the close; without waiting for it the connection would be reset, and the reason lost with it
        connection.thread.join(CLOSE_TIMEOUT_S)
