"""The live view as one endless FLV file over HTTP: for the mini-program, and for players that know no WebSocket."""

from __future__ import annotations

from collections.abc import Iterator

from apiflask import APIFlask
from flask import Response

from stream_service.live import Ending, Viewer
from stream_service.web.entry import JOIN_TIMEOUT_S, described, refuse, required
from stream_service.web.parts import LiveParts
from stream_service.web.sending import UNBUFFERED, bound_this_answer


def add_flv(app: APIFlask, parts: LiveParts) -> None:
    @app.get("/live/cameras/<camera_id>/stream.flv")
    @app.doc(
        summary="Live video of a camera as FLV",
        responses=described(
            {
                200: "FLV with H.264, endless",
                401: "no valid ticket",
                403: "the right was withdrawn",
                404: "no such camera",
                409: "the codec cannot be played",
                429: "too many cameras are converted now",
                503: "no picture now",
            },
            "video/x-flv",
        ),
    )
    def stream_flv(camera_id: str) -> Response:
        who = required(parts, camera_id)
        viewer = who.hub.join(who.seen, JOIN_TIMEOUT_S, kind="flv", unmasked=who.unmasked)
        if isinstance(viewer, Ending):
            refuse(viewer)
        bound_this_answer()
        answer = Response(_bytes(viewer), mimetype="video/x-flv", headers=UNBUFFERED)
        answer.call_on_close(lambda: who.hub.leave(viewer))  # also when the peer left before the first byte
        return answer


def _bytes(viewer: Viewer) -> Iterator[bytes]:
    yield viewer.header
    while (fragments := viewer.take(1.0)) is not None:
        if fragments:
            yield fragments
