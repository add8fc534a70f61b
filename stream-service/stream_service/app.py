"""The web side: live views over WebSocket, snapshots, and the probe of an address. Cameras run in `fleet`.

A live view sends one text message (`{"type": "format", "mime": …}`), then the header and fragments of MP4 as binary
messages. When it cannot go on it sends `{"type": "error", "reason", "detail"}` and closes with a code of `live`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apiflask import APIFlask
from flask import Response, request
from flask_sock import Sock
from pydantic import BaseModel, Field
from simple_websocket import ConnectionClosed, Server

from shared_kernel.auth import require_service_token, verify_ticket
from shared_kernel.errors import NotFound, Throttled, Unauthorised, Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import CameraReason
from shared_kernel.web import Check, create_app
from stream_service.fleet import Fleet
from stream_service.live import NO_CAMERA, TICKET, Ending, Viewer
from stream_service.ports import Decoder, Feed, Seen, StreamInfo
from stream_service.probe import probe
from stream_service.rights import RightsWatch
from stream_service.rules import MAX_ADDRESS_CHARS, CameraFailed, redacted

log = get_logger(__name__)

#: How long a new viewer waits for a camera that is just connecting, seconds.
JOIN_TIMEOUT_S = 3.0
#: A viewer that takes nothing for this long is cut off, seconds.
SEND_TIMEOUT_S = 5
#: Bytes that the kernel may hold for a viewer: more would only hide how late it is.
SEND_BUFFER_BYTES = 512 * 1024
#: How long the end of a view waits for the viewer's answer, seconds.
CLOSE_TIMEOUT_S = 1.0
#: Addresses that are probed at the same time at most.
MAX_PROBES = 2
SNAPSHOT_SIDE = 1280


@dataclass(frozen=True)
class LiveParts:
    """What the routes need; given by `bootstrap`."""

    fleet: Fleet
    rights: RightsWatch
    feed: Callable[[str], Feed]
    decoder: Callable[[StreamInfo], Decoder]
    ticket_key: str
    service_token: str
    checks: Mapping[str, Check]


class ProbeIn(BaseModel):
    url: str = Field(min_length=1, max_length=MAX_ADDRESS_CHARS, description="rtsp, http, rtmp or file address")


class ProbeOut(BaseModel):
    """What a camera address gives; `reason` and `detail` when it gives no picture."""

    ok: bool
    reason: CameraReason | None = None
    detail: str | None = None
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    playable: bool | None = Field(None, description="whether browsers play it live")
    snapshot: str | None = Field(None, description="first picture as a data URL")
    elapsed_ms: int = 0


def make_app(parts: LiveParts) -> APIFlask:
    app = create_app("stream-service", prefix="/live", title="Xunshi live", checks=parts.checks)
    _add_stream(app, parts)
    _add_snapshot(app, parts)
    _add_probe(app, parts)
    return app


def _add_stream(app: APIFlask, parts: LiveParts) -> None:
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


def _add_snapshot(app: APIFlask, parts: LiveParts) -> None:
    @app.get("/live/cameras/<camera_id>/snapshot.jpg")
    @app.doc(
        summary="The newest picture of a camera",
        responses={200: "JPEG", 401: "no valid ticket", 403: "the right was withdrawn", 503: "no picture now"},
    )
    def snapshot(camera_id: str) -> Response:
        ticket = verify_ticket(parts.ticket_key, request.args.get("ticket", ""), "live", camera_id)
        if parts.fleet.ring(camera_id) is None:
            raise NotFound("camera: there is none with this id, or it is switched off", code="no_camera")
        parts.rights.require(Seen(ticket.user_id, camera_id))
        ring = parts.fleet.view(camera_id)
        frame = ring.newest() if ring else None
        if frame is None:
            raise Unavailable("camera", "it gives no picture now")
        return Response(frame.small_jpeg(SNAPSHOT_SIDE), mimetype="image/jpeg")


def _add_probe(app: APIFlask, parts: LiveParts) -> None:
    free = threading.BoundedSemaphore(MAX_PROBES)

    @app.post("/live/internal/probe")
    @app.input(ProbeIn, arg_name="wanted")
    @app.output(ProbeOut)
    @app.doc(summary="Try a camera address (service token)")
    def probe_address(wanted: ProbeIn) -> ProbeOut:
        require_service_token(parts.service_token, request.headers.get("Authorization"))
        if not free.acquire(blocking=False):
            raise Throttled(f"probe: expected at most {MAX_PROBES} at a time", retry_after_s=5)
        began_s = time.monotonic()
        try:
            return _probed(parts, wanted.url, began_s)
        finally:
            free.release()


def _probed(parts: LiveParts, url: str, began_s: float) -> ProbeOut:
    try:
        found = probe(parts.feed(url), parts.decoder)
    except CameraFailed as error:
        log.info("probe failed", extra=fields(address=redacted(url), reason=error.reason))
        return ProbeOut(ok=False, reason=error.reason, detail=error.detail, elapsed_ms=_since(began_s))
    return ProbeOut(
        ok=True,
        codec=found.codec,
        width=found.width,
        height=found.height,
        fps=found.fps,
        playable=found.playable,
        snapshot="data:image/jpeg;base64," + base64.b64encode(found.snapshot).decode(),
        elapsed_ms=_since(began_s),
    )


def _since(began_s: float) -> int:
    return round((time.monotonic() - began_s) * 1000)
