"""Puts the web side together: live views, snapshots, the examination of an address (`web`). Cameras run in `fleet`."""

from __future__ import annotations

from apiflask import APIFlask

from shared_kernel.web import create_app
from stream_service.web.doctor import add_doctor
from stream_service.web.flv import add_flv
from stream_service.web.forward import add_forward
from stream_service.web.hls import add_hls
from stream_service.web.mjpeg import add_mjpeg
from stream_service.web.parts import LiveParts
from stream_service.web.snapshot import add_snapshot
from stream_service.web.stream import add_stream


def make_app(parts: LiveParts) -> APIFlask:
    app = create_app("stream-service", prefix="/live", title="Xunshi live", checks=parts.checks)
    add_forward(app, parts)
    add_stream(app, parts)
    add_flv(app, parts)
    add_hls(app, parts)
    add_mjpeg(app, parts)
    add_snapshot(app, parts)
    add_doctor(app, parts)
    return app
