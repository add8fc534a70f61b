"""Photos of patrols: stored, and handed to the worker that makes a sighting of every face on them.

The picture is not decoded here. Whoever gets the answer 202 may forget the photo: it is stored, and the message about
it is on a durable topic.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final, Self

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from face_search.parts import Parts
from face_search.rules import photo_key
from face_search.web.access import allow, caller
from face_search.web.intake import Part, form
from face_search.web.wishes import parts_of, read
from shared_kernel.clock import now
from shared_kernel.errors import FieldProblem, Invalid, Refused
from shared_kernel.idempotency import Creation, once
from shared_kernel.messages import Moment, PatrolPhotoTaken, new_id
from shared_kernel.shapes import Ulid, When
from shared_kernel.vision.pictures import MAX_BYTES

#: A phone's clock may be ahead by this much.
_AHEAD: Final = timedelta(minutes=5)


class TooLarge(Refused):
    """A photo beyond the limit."""

    status = 413
    title = "Content too large"


class PhotoIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    taken_at: When | None = Field(None, description="when, RFC 3339; else now")
    lon: float | None = Field(None, ge=-180, le=180, description="longitude, degrees, WGS-84")
    lat: float | None = Field(None, ge=-90, le=90, description="latitude, degrees, WGS-84")
    patrol_id: Ulid | None = None

    @model_validator(mode="after")
    def _place_is_whole(self) -> Self:
        if (self.lon is None) != (self.lat is None):
            raise ValueError("place: expected lon and lat, or neither")
        return self


class _Given(PhotoIn):
    """A request as its Idempotency-Key knows it."""

    sha256: str


class PhotoOut(BaseModel):
    photo_id: str = Field(description="`source_id` of the sightings that come of it")
    taken_at: Moment


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /faces/photos."""
    routes = APIBlueprint("patrol_photos", __name__, tag="Sightings")

    @routes.post("/photos")
    @allow("photo.detect")
    @form(**parts_of(PhotoIn, photo=Part("file", "at most 20 MiB")))
    @routes.output(PhotoOut, status_code=202)
    @routes.doc(
        summary="Hand in a patrol photo; every face on it becomes a sighting",
        description="Sent again with the same `Idempotency-Key` it is the same photo.",
        responses={409: "the key was used for another photo", 413: "larger than 20 MiB"},
    )
    def add() -> tuple[PhotoOut, int]:
        given, data = read(PhotoIn), _file()
        if given.taken_at is not None and given.taken_at > now() + _AHEAD:
            raise Invalid.field("taken_at", "expected a time that is not in the future")
        noted = _Given(**given.model_dump(), sha256=hashlib.sha256(data).hexdigest())
        creation = Creation(caller().user_id, "POST /faces/photos", noted)
        answer, _ = once(parts.database, parts.ticket_key, creation, lambda _: _new_photo(given))
        accepted = PhotoOut.model_validate(answer)
        # a repeat is stored and told again: nobody knows whether the first one came so far
        _hand_on(parts, accepted, given, data)
        return accepted, 202

    return routes


def _new_photo(given: PhotoIn) -> PhotoOut:
    return PhotoOut(photo_id=new_id(), taken_at=given.taken_at or now())


def _hand_on(parts: Parts, accepted: PhotoOut, given: PhotoIn, data: bytes) -> None:
    key = photo_key(accepted.taken_at, accepted.photo_id)
    parts.blobs.put(key, data)
    parts.bus.publish(
        PatrolPhotoTaken(
            photo_id=accepted.photo_id,
            key=key,
            taken_at=accepted.taken_at,
            taken_by=caller().user_id,
            lon=given.lon,
            lat=given.lat,
            patrol_id=given.patrol_id,
        )
    )


def _file() -> bytes:
    """The photo of this request, as it came.

    Raises:
        Invalid: none, several, or no bytes.
        TooLarge: more than the worker takes.
    """
    files = request.files.getlist("photo")
    if len(files) != 1:
        raise Invalid.field("photo", f"expected one file of multipart/form-data, got {len(files)}")
    data = bytes(files[0].read(MAX_BYTES + 1))
    if not data:
        raise Invalid.field("photo", "expected a picture, got no bytes")
    if len(data) > MAX_BYTES:
        detail = f"expected at most {MAX_BYTES // 2**20} MiB"
        raise TooLarge(f"photo: {detail}", code="too_large", fields=(FieldProblem("photo", detail),))
    return data
