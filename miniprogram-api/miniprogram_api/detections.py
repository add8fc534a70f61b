"""One photo in, boxes out. The picture is never decoded here: it goes to a worker through object storage.

Whatever is wrong with a picture (truncated, a bomb, no picture at all) the worker says, and it becomes a 422 or 413
that names the field `image`.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import BadRequest

from miniprogram_api.access import allow
from miniprogram_api.parts import Parts
from shared_kernel.clock import now
from shared_kernel.errors import FieldProblem, Invalid, Refused, Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import MaskState, PhotoAnalysed, PhotoSubmitted, new_id
from shared_kernel.shapes import Body

log = get_logger(__name__)

MAX_PHOTO_BYTES: Final = 20 * 1024 * 1024
#: Not the picture's fault: the worker's queue is full, or its model or our own object is gone.
_LATER: Final = frozenset({"busy", "no_model", "not_found"})
#: Codes of PhotoError that mean "too large" rather than "wrong".
_TOO_LARGE: Final = frozenset({"too_large", "too_many_pixels", "too_many_bytes"})


class TooLarge(Refused):
    status = 413
    title = "Content too large"


class NoAnswer(Unavailable):
    """No worker could take the photo in time."""


class ImageIn(Body):
    image: str = Field(min_length=1, description="base64 of a picture, or a data URL")


class Detection(BaseModel):
    label: MaskState
    score: float = Field(description="how sure the label is, 0 to 1")
    box: tuple[float, float, float, float] = Field(description="x0 y0 x1 y1, fractions of the picture")
    face_score: float = Field(description="how sure it is a face, 0 to 1")


class DetectionsOut(BaseModel):
    width: int = Field(description="pixels, upright")
    height: int
    model: str
    elapsed_ms: int
    boxes: list[Detection]


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /detections."""
    routes = APIBlueprint("detections", __name__, tag="Detection")

    @routes.post("/detections")
    @allow("user", "photo.detect")
    @routes.output(DetectionsOut)
    @routes.doc(
        description="multipart/form-data with the file `image`, or JSON `{image}` with base64 or a data URL.",
        responses={413: "too large", 422: "not a usable picture", 503: "no worker answers"},
    )
    def detections() -> DetectionsOut:
        began = time.monotonic()
        answer = _analysed(parts, _checked(_image()))
        if answer.error is not None:
            if answer.error.code in _LATER:
                raise NoAnswer("photo analysis", answer.error.detail)
            raise _refused(answer.error.code, answer.error.detail)
        return DetectionsOut(
            width=answer.width,
            height=answer.height,
            model=answer.model,
            elapsed_ms=round((time.monotonic() - began) * 1000),
            boxes=[
                Detection(
                    label=face.state,
                    score=face.state_score,
                    box=(face.box.x0, face.box.y0, face.box.x1, face.box.y1),
                    face_score=face.score,
                )
                for face in answer.faces
            ],
        )

    return routes


def _image() -> bytes:
    """The picture of this request, as it came.

    Raises:
        Invalid: no picture in it.
    """
    if request.mimetype == "multipart/form-data":
        file = request.files.get("image")
        if file is None:
            raise Invalid.field("image", "expected a file in the form field image, got none")
        return bytes(file.read(MAX_PHOTO_BYTES + 1))
    if request.mimetype != "application/json":
        got = request.mimetype[:60] or "none"
        raise Invalid.field("image", f"expected multipart/form-data or application/json, got {got}", code="media_type")
    try:
        given = ImageIn.model_validate(request.get_json())
    except BadRequest as error:
        raise Invalid.field("image", "expected a JSON object, got something that is no JSON") from error
    except ValidationError as error:
        wrong = tuple(FieldProblem(".".join(map(str, e["loc"])) or "image", e["msg"]) for e in error.errors())
        raise Invalid("; ".join(f"{one.field}: {one.message}" for one in wrong), fields=wrong) from error
    return _decoded(given.image)


def _decoded(text: str) -> bytes:
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64") or not head.startswith("data:image/"):
            raise Invalid.field("image", "expected data:image/…;base64,…")
    if len(text) > MAX_PHOTO_BYTES * 4 // 3 + 4:
        raise _refused("too_large", _SIZE)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid.field("image", "expected base64 or a data URL") from error


_SIZE: Final = f"expected at most {MAX_PHOTO_BYTES // 2**20} MiB"


def _checked(picture: bytes) -> bytes:
    if not picture:
        raise Invalid.field("image", "expected a picture, got no bytes")
    if len(picture) > MAX_PHOTO_BYTES:
        raise _refused("too_large", _SIZE)
    return picture


def _analysed(parts: Parts, picture: bytes) -> PhotoAnalysed:
    photo_id, timeout_s = new_id(), parts.settings.photo_timeout_s
    with _stored(parts, f"inbox/{photo_id}", picture) as key:
        deadline_at = now() + timedelta(seconds=timeout_s)
        parts.bus.publish(PhotoSubmitted(photo_id=photo_id, key=key, deadline_at=deadline_at))
        answer = parts.bus.await_reply(photo_id, PhotoAnalysed, timeout_s=timeout_s)
    if answer is None:
        raise NoAnswer("photo analysis", f"no worker answered within {timeout_s:g} s")
    return answer


@contextmanager
def _stored(parts: Parts, key: str, picture: bytes) -> Iterator[str]:
    parts.blobs.put(key, picture)
    try:
        yield key
    finally:
        try:
            parts.blobs.delete(key)
        except Unavailable as error:  # the clock removes what is left
            log.warning("photo left in the inbox", extra=fields(key=key, reason=error.reason))


def _refused(code: str, detail: str) -> Refused:
    if code in _TOO_LARGE:
        return TooLarge(f"image: {detail}", code=code, fields=(FieldProblem("image", detail),))
    return Invalid.field("image", detail, code=code)
