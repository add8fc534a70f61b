"""One still picture after another in one answer (`multipart/x-mixed-replace`): what any `<img>` shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from apiflask import APIFlask
from flask import Response
from pydantic import BaseModel, Field

from stream_service.live import LiveHub, StillViewer
from stream_service.live.endings import NO_PICTURE
from stream_service.ports import FullFrame
from stream_service.web.entry import described, refuse, required
from stream_service.web.parts import LiveParts
from stream_service.web.sending import UNBUFFERED, bound_this_answer

_BOUNDARY: Final = "picture"
#: A picture that does not change for so long is sent again, so that a peer that left is noticed, seconds.
_AGAIN_S: Final = 5.0


class MjpegQuery(BaseModel):
    """How often and how large."""

    fps: float = Field(5.0, ge=0.2, le=15, allow_inf_nan=False, description="pictures per second at most")
    side: Literal["320", "640", "1280"] = Field("640", description="long side, pixels; never enlarged")


def add_mjpeg(app: APIFlask, parts: LiveParts) -> None:
    kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"

    @app.get("/live/cameras/<camera_id>/stream.mjpeg")
    @app.input(MjpegQuery, location="query", arg_name="query")
    @app.doc(
        summary="Pictures of a camera, one after another",
        responses=described(
            {
                200: "JPEG files, endless",
                401: "no valid ticket",
                403: "the right was withdrawn",
                404: "no such camera",
                503: "no picture now",
            },
            kind,
        ),
    )
    def stream_mjpeg(camera_id: str, query: MjpegQuery) -> Response:
        who = required(parts, camera_id)
        if _newest(parts, camera_id) is None:
            refuse(NO_PICTURE)
        viewer = who.hub.look(who.seen)
        bound_this_answer()
        pictures = _pictures(parts, who.hub, viewer, 1.0 / query.fps, int(query.side))
        answer = Response(pictures, mimetype=kind, headers=UNBUFFERED)
        answer.call_on_close(lambda: who.hub.leave(viewer))
        return answer


def _newest(parts: LiveParts, camera_id: str) -> FullFrame | None:
    ring = parts.fleet.view(camera_id)
    return ring.newest() if ring else None


def _pictures(parts: LiveParts, hub: LiveHub, viewer: StillViewer, step_s: float, side: int) -> Iterator[bytes]:
    """Until the view is closed or the camera has no picture any more: an old one must not pass for a live one."""
    shown, waited_s = None, 0.0
    while (frame := _newest(parts, viewer.seen.camera_id)) is not None:
        if frame is not shown or waited_s >= _AGAIN_S:
            shown, waited_s = frame, 0.0
            jpeg = hub.still(frame, side)
            yield b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % (_BOUNDARY.encode(), len(jpeg))
            yield jpeg + b"\r\n"
        waited_s += step_s
        if viewer.wait(step_s):
            return
