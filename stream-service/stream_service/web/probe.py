"""Tries the address of a camera that somebody wants to add. For miniprogram-api, with the service token."""

from __future__ import annotations

import base64
import threading
import time

from apiflask import APIFlask
from flask import request
from pydantic import BaseModel, Field

from shared_kernel.auth import require_service_token
from shared_kernel.errors import Throttled
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import CameraReason
from stream_service.probe import probe
from stream_service.rules import MAX_ADDRESS_CHARS, CameraFailed, redacted
from stream_service.web.parts import LiveParts

log = get_logger(__name__)

#: Addresses that are probed at the same time at most.
MAX_PROBES = 2


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


def add_probe(app: APIFlask, parts: LiveParts) -> None:
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
