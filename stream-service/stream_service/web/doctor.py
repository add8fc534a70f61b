"""Examines the address of a camera and says stage by stage how it goes. For miniprogram-api, with the service token."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from typing import Annotated, Final

from apiflask import APIFlask
from flask import Response, request
from pydantic import BaseModel, Field

from shared_kernel.auth import require_service_token
from shared_kernel.errors import Throttled
from shared_kernel.examination import LINES_TYPE, Examination, Line, StageFinding
from shared_kernel.examination import Words as WordsOut
from shared_kernel.log import fields, get_logger
from stream_service.doctor import Finding, Report, Words
from stream_service.rules import MAX_ADDRESS_CHARS, redacted
from stream_service.web.parts import LiveParts
from stream_service.web.sending import UNBUFFERED, bound_this_answer

log = get_logger(__name__)

#: Addresses that are examined at the same time at most.
MAX_EXAMINATIONS: Final = 4
_Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class DoctorIn(BaseModel):
    url: str = Field(min_length=1, max_length=MAX_ADDRESS_CHARS, description="address, with credentials")
    privacy_masks: list[Annotated[list[tuple[_Fraction, _Fraction]], Field(min_length=3, max_length=32)]] = Field(
        [], max_length=64, description="burnt into the picture"
    )


def add_doctor(app: APIFlask, parts: LiveParts) -> None:
    free = threading.BoundedSemaphore(MAX_EXAMINATIONS)

    @app.post("/live/internal/doctor")
    @app.input(DoctorIn, arg_name="wanted")
    @app.doc(
        summary="Examine a camera address (service token)",
        responses={200: "lines of JSON: findings, at the end the report", 401: "no service token", 429: "too many"},
    )
    def doctor(wanted: DoctorIn) -> Response:
        require_service_token(parts.service_token, request.headers.get("Authorization"))
        if not free.acquire(blocking=False):
            raise Throttled(f"doctor: expected at most {MAX_EXAMINATIONS} at a time", retry_after_s=5)
        bound_this_answer()
        masks = tuple(tuple(polygon) for polygon in wanted.privacy_masks)
        answer = Response(_lines(parts.examine(wanted.url, masks), wanted.url), mimetype=LINES_TYPE, headers=UNBUFFERED)
        answer.call_on_close(free.release)
        return answer


def _lines(found: Iterator[Finding | Report], url: str) -> Iterator[str]:
    for one in found:
        if isinstance(one, Report) and one.reason is not None:
            log.info("examination failed", extra=fields(address=redacted(url), reason=one.reason))
        yield line(one).model_dump_json(exclude_none=True) + "\n"


def line(one: Finding | Report) -> Line:
    """A finding or report as it is sent."""
    if isinstance(one, Finding):
        return Line(finding=finding_out(one))
    picture = base64.b64encode(one.snapshot).decode() if one.snapshot else None
    report = Examination(
        ok=one.ok,
        reason=one.reason,
        detail=one.detail,
        findings=[finding_out(each) for each in one.findings],
        codec=one.codec,
        width=one.width,
        height=one.height,
        fps=one.fps,
        kbit_s=one.kbit_s,
        key_interval_s=one.key_interval_s,
        audio=one.audio,
        playable=one.playable,
        snapshot=picture and f"data:image/jpeg;base64,{picture}",
        elapsed_ms=round(one.took_s * 1000),
    )
    return Line(report=report)


def finding_out(one: Finding) -> StageFinding:
    return StageFinding(
        stage=one.stage.value,
        name=_words(one.name),
        status=one.status,
        took_ms=round(one.took_s * 1000),
        found=one.found and _words(one.found),
        problem=one.remark and _words(one.remark.problem),
        advice=one.remark and _words(one.remark.advice),
    )


def _words(one: Words) -> WordsOut:
    return WordsOut(zh=one.zh, en=one.en)
