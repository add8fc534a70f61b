"""The stream doctor: examine an address before it is saved, or a camera that is; stage by stage with `Accept` of lines.

An address goes in and never comes out. The picture of a camera with privacy masks is covered like all its pictures.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final, Literal

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from miniprogram_api.access import allow, caller
from miniprogram_api.camera_settings import settings_of
from miniprogram_api.parts import Parts
from miniprogram_api.rights import visible_camera
from miniprogram_api.rules import MAX_ADDRESS_CHARS, checked_address
from miniprogram_api.stream_doctor import Examining
from shared_kernel.errors import Conflict, Unavailable
from shared_kernel.examination import LINES_TYPE, Examination
from shared_kernel.log import fields, get_logger
from shared_kernel.shapes import Body

log = get_logger(__name__)

_UNBUFFERED: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_Answer = Examination | Response


class TestIn(Body):
    __test__ = False  # not a test class, whatever pytest thinks

    url: str = Field(
        min_length=1, max_length=MAX_ADDRESS_CHARS, description="rtsp, rtsps, http, https, rtmp, rtmps, file or v4l2"
    )


class DoctorIn(Body):
    stream: Literal["main", "detect"] = Field("main", description="which of the camera's addresses")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /cameras/test and /cameras/<id>/doctor."""
    routes = APIBlueprint("doctor", __name__, tag="Cameras")

    @routes.post("/cameras/test")
    @allow("user", "camera.create")
    @routes.input(TestIn, arg_name="given")
    @routes.output(Examination)
    @routes.doc(description=f"With `Accept: {LINES_TYPE}` each stage comes as a line when it begins and ends.")
    def test(given: TestIn) -> _Answer:
        checked_address(given.url)
        return _examined(parts, given.url)

    @routes.post("/cameras/<ulid:camera_id>/doctor")
    @allow("user", "camera.update", scoped=True)
    @routes.input(DoctorIn, arg_name="given")
    @routes.output(Examination)
    @routes.doc(description=f"With `Accept: {LINES_TYPE}` each stage comes as a line when it begins and ends.")
    def examine_camera(camera_id: str, given: DoctorIn) -> _Answer:
        with parts.database.read() as store:
            camera = visible_camera(store, caller().user_id, camera_id, "camera.update")
            sealed = camera.url_cipher if given.stream == "main" else camera.detect_url_cipher
            masks = settings_of(camera).privacy_masks
        if sealed is None:
            raise Conflict(f"camera {camera_id}: expected a second stream, it has none", code="no_second_stream")
        return _examined(parts, parts.cipher.open(sealed), masks)

    return routes


def _examined(parts: Parts, url: str, masks: list[Any] | None = None) -> _Answer:
    token = parts.settings.service_token.get_secret_value()
    examining = Examining(parts.stream_service, token, url, masks or [])
    if LINES_TYPE not in request.accept_mimetypes.values():
        return examining.report()
    answer = Response(_lines(examining), mimetype=LINES_TYPE, headers=_UNBUFFERED)
    answer.call_on_close(examining.close)
    return answer


def _lines(examining: Examining) -> Iterator[str]:
    """Lines; an examination that breaks off ends without a report, which tells the client."""
    with contextlib.closing(examining.lines()) as found:
        try:
            for line in found:
                yield line.model_dump_json(exclude_none=True) + "\n"
        except Unavailable as error:
            log.warning("examination broke off", extra=fields(reason=error.reason))
