"""Pictures by which a person is recognised: examined, added from a file or a sighting, listed, removed."""

from __future__ import annotations

import contextlib
from typing import Final, Literal, cast

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from face_search.adapters.store import Store
from face_search.enrol import Enrolled, Enrolment, is_enrolable
from face_search.gallery import no_person, standing, touch
from face_search.hints import hint
from face_search.parts import Parts
from face_search.ports import FaceRead, Picture
from face_search.web.access import allow, author, picture_url
from face_search.web.intake import Part, form, photo
from face_search.web.sighted import viewer
from face_search.web.wishes import parts_of, read
from shared_kernel.errors import NotFound, Unavailable
from shared_kernel.messages import Box, MaskState, Moment
from shared_kernel.shapes import Body, Ulid
from shared_kernel.tables import FaceSample

#: Persons whom a face may resemble and be enrolled nonetheless, in one request.
_MAX_DESPITE: Final = 10
_DESPITE: Final = "persons whom the face resembles, as the refusal named them: enrol it nonetheless"
_REFUSALS: Final = {
    200: "this very picture is enrolled already",
    409: "face_of_other: errors names who has this face; too_many_samples; merged: errors names into whom",
}


class SampleWish(BaseModel):
    """Text fields of the form."""

    model_config = ConfigDict(extra="forbid")

    despite: list[Ulid] | None = Field(None, max_length=_MAX_DESPITE, description=_DESPITE)


class SightingSampleIn(Body):
    sighting_id: Ulid
    despite: list[Ulid] = Field([], max_length=_MAX_DESPITE, description=_DESPITE)


class SampleOut(BaseModel):
    sample_id: str
    person_id: str
    crop_url: str = Field(description="opens for ten minutes for this user")
    quality: float = Field(description="0 to 1")
    quality_reasons: list[str]
    mask_state: MaskState
    covered: bool = Field(description="mouth or nose cannot be seen")
    source: Literal["upload", "import", "sighting"]
    sighting_id: str | None
    created_at: Moment


class SamplePage(BaseModel):
    """All samples of a person, the best first."""

    items: list[SampleOut]
    next: str | None = Field(None, description="always null: there are not so many")


class ExaminedFace(BaseModel):
    box: Box
    score: float = Field(description="0 to 1, how sure it is a face")
    quality: float = Field(description="0 to 1")
    quality_reasons: list[str] = Field(description="what is not good, worst first")
    hints: dict[Literal["zh-CN", "en"], str] = Field(description="what to do about it; empty when nothing is wrong")
    mask_state: MaskState
    covered: bool
    usable: bool = Field(description="good enough to be enrolled")


class ExaminedOut(BaseModel):
    width: int = Field(description="of the upright picture, pixels")
    height: int
    faces: list[ExaminedFace] = Field(description="the largest first: it is the one that would be enrolled")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /faces/persons/{id}/samples, /faces/samples/{id} and /faces/examine."""
    routes = APIBlueprint("samples", __name__, tag="Persons")
    _adding(routes, parts, parts.enrolment())

    @routes.get("/persons/<ulid:person_id>/samples")
    @allow("face.view")
    @routes.output(SamplePage)
    @routes.doc(summary="Pictures by which a person is recognised")
    def samples(person_id: str) -> SamplePage:
        with parts.database.read() as store:
            if store.people.get(person_id) is None:
                raise no_person(person_id)
            rows = store.samples.of_person(person_id)
        return SamplePage(items=[_sample_out(parts, row) for row in rows], next=None)

    @routes.delete("/samples/<ulid:sample_id>")
    @allow("face.manage")
    @routes.output({}, status_code=204)
    @routes.doc(summary="Remove a picture; the person is not recognised by it any more")
    def remove_sample(sample_id: str) -> Response:
        keys = parts.database.run(lambda store: _removed(store, sample_id))
        with contextlib.suppress(Unavailable):  # no row names them: they are removed later
            for key in keys:
                parts.blobs.delete(key)
        return Response(status=204)

    @routes.post("/examine")
    @allow("face.manage")
    @form(photo=Part("file", "a picture; nothing of it is kept"))
    @routes.output(ExaminedOut)
    @routes.doc(summary="Which faces are in a picture, and whether they could be enrolled")
    def examine() -> ExaminedOut:
        picture = photo(parts).picture
        height, width = picture.shape[:2]
        faces = [_examined(face, picture) for face in parts.reader.read(picture)]
        return ExaminedOut(width=width, height=height, faces=faces)

    return routes


def _adding(routes: APIBlueprint, parts: Parts, enrolment: Enrolment) -> None:
    @routes.post("/persons/<ulid:person_id>/samples")
    @allow("face.manage")
    @form(photo=Part("file", "one face, from the front"), **parts_of(SampleWish))
    @routes.output(SampleOut, status_code=201)
    @routes.doc(summary="Enrol a picture; a poor one is refused with reasons and hints", responses=_REFUSALS)
    def add_sample(person_id: str) -> tuple[SampleOut, int]:
        wish = read(SampleWish)
        with parts.database.read() as store:  # before anything is decoded
            if store.people.get(person_id) is None:
                raise no_person(person_id)
        sent = photo(parts)
        done = enrolment.enrol_photo(person_id, sent.data, sent.picture, author(), wish.despite or ())
        return _enrolled_out(parts, done)

    @routes.post("/persons/<ulid:person_id>/samples/from-sighting")
    @allow("face.manage")
    @routes.input(SightingSampleIn, arg_name="given")
    @routes.output(SampleOut, status_code=201)
    @routes.doc(summary="Enrol the face of a sighting; never one below the bar", responses=_REFUSALS)
    def add_sample_of_sighting(person_id: str, given: SightingSampleIn) -> tuple[SampleOut, int]:
        done = enrolment.enrol_sighting(person_id, given.sighting_id, viewer(), author(), given.despite)
        return _enrolled_out(parts, done)


def _removed(store: Store, sample_id: str) -> tuple[str, str]:
    """Remove a sample from the tables; give the keys of its pictures."""
    seen = store.samples.get(sample_id)
    if seen is None:
        raise _no_sample(sample_id)
    person = standing(store, seen.person_id)  # the person first, as whoever moves samples does
    row = store.samples.get(sample_id, lock=True)
    if row is None or row.person_id != person.person_id:
        raise _no_sample(sample_id)
    keys = row.crop_key, row.aligned_key
    store.vectors.take_out([sample_id])
    store.samples.remove(row)
    touch(person)
    return keys


def _no_sample(sample_id: str) -> NotFound:
    return NotFound(f"sample {sample_id}: expected one that is enrolled, found none", code="no_sample")


def _enrolled_out(parts: Parts, done: Enrolled) -> tuple[SampleOut, int]:
    return _sample_out(parts, done.row), 201 if done.fresh else 200


def _sample_out(parts: Parts, row: FaceSample) -> SampleOut:
    return SampleOut(
        sample_id=row.sample_id,
        person_id=row.person_id,
        crop_url=picture_url(parts, row.sample_id),
        quality=row.quality,
        quality_reasons=[one for one in row.quality_reasons.split(",") if one],
        mask_state=MaskState(row.mask_state),
        covered=row.covered,
        source=cast('Literal["upload", "import", "sighting"]', row.source),  # the table allows these words only
        sighting_id=row.sighting_id,
        created_at=row.created_at,
    )


def _examined(face: FaceRead, picture: Picture) -> ExaminedFace:
    height, width = picture.shape[:2]
    x0, x1 = (round(min(1.0, max(0.0, value / width)), 5) for value in face.box[::2])
    y0, y1 = (round(min(1.0, max(0.0, value / height)), 5) for value in face.box[1::2])
    usable, reasons = is_enrolable(face.quality), face.quality.reasons
    return ExaminedFace(
        box=Box(x0=x0, y0=y0, x1=x1, y1=y1),
        score=round(min(1.0, face.score), 4),
        quality=round(face.quality.score, 4),
        quality_reasons=list(reasons),
        hints={} if usable and not reasons else {"zh-CN": hint(reasons, "zh-CN"), "en": hint(reasons, "en")},
        mask_state=face.mask_state,
        covered=face.covered,
        usable=usable,
    )
