"""The newest picture of a camera as one JPEG."""

from __future__ import annotations

import time

from apiflask import APIFlask
from flask import Response, request

from shared_kernel.auth import verify_ticket
from shared_kernel.errors import NotFound, Unavailable
from stream_service.ports import Seen
from stream_service.web.parts import LiveParts

SNAPSHOT_SIDE = 1280


def add_snapshot(app: APIFlask, parts: LiveParts) -> None:
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
        hub = parts.fleet.hub(camera_id)
        jpeg = hub.still(frame, SNAPSHOT_SIDE) if hub else frame.small_jpeg(SNAPSHOT_SIDE)
        age = {"X-Picture-Age": f"{max(0.0, time.monotonic() - frame.arrived_s):.1f}"}  # seconds: no clock has to agree
        return Response(jpeg, mimetype="image/jpeg", headers=age)
