"""What a search asks, from a form with a photo or from JSON: the same fields, read with the same rules."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self, TypeVar, get_origin

from flask import request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from werkzeug.exceptions import BadRequest

from face_search.searching import Of, Wanted
from face_search.web.intake import Part
from shared_kernel.cursors import read_score_cursor
from shared_kernel.errors import FieldProblem, Invalid
from shared_kernel.messages import MaskState
from shared_kernel.shapes import Line, Ulid, When

W = TypeVar("W", bound=BaseModel)

#: Why somebody looks for a face: words, for whoever reads the record later.
Purpose = Annotated[Line, StringConstraints(min_length=2, max_length=200)]
#: Corners as fractions of the photo.
Fractions = tuple[
    Annotated[float, Field(ge=0, le=1)],
    Annotated[float, Field(ge=0, le=1)],
    Annotated[float, Field(ge=0, le=1)],
    Annotated[float, Field(ge=0, le=1)],
]

MAX_TOP_K: Final = 100


class Wish(BaseModel):
    """Fields of a form are text; JSON has its own types. Neither may have others than these."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)

    purpose: Purpose = Field(description="why; kept with who, what and what was shown")


class SearchWish(Wish):
    sighting_id: Ulid | None = Field(None, description="look for the face of this sighting")
    person_id: Ulid | None = Field(None, description="look for this person")
    box: Fractions | None = Field(
        None, description="x0, y0, x1, y1 of the face in the photo, fractions; else the largest"
    )
    of: Of = Field("persons", description="persons: who is it; sightings: where else was it seen")
    top_k: int = Field(10, ge=1, le=MAX_TOP_K, description="most hits of one page")
    threshold: float | None = Field(None, ge=0, le=1, description="cosine; else as the number of compared faces asks")
    since: When | None = Field(None, alias="from", description="sightings from then on, RFC 3339")
    until: When | None = Field(None, alias="to", description="sightings before that, RFC 3339")
    camera_ids: list[Ulid] | None = Field(None, max_length=1000, description="sightings of these cameras")
    list_ids: list[Ulid] | None = Field(None, max_length=100, description="persons on one of these lists")
    mask_state: MaskState | None = None
    after: str | None = Field(None, max_length=128, description="`next` of the page before, of sightings")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.sighting_id is not None and self.person_id is not None:
            raise ValueError("expected a sighting or a person, got both")
        if self.of == "persons" and (self.since or self.until or self.camera_ids is not None or self.after):
            raise ValueError("from, to, camera_ids and after narrow sightings; expected of=sightings")
        if self.since and self.until and self.since >= self.until:
            raise ValueError("expected from before to")
        if self.box is not None and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ValueError("box: expected x0 < x1 and y0 < y1")
        return self

    @property
    def wanted(self) -> Wanted:
        """The same, for the search.

        Raises:
            Invalid: `after` is no cursor.
        """
        return Wanted(
            of=self.of,
            top_k=self.top_k,
            threshold=self.threshold,
            since=self.since,
            until=self.until,
            camera_ids=None if self.camera_ids is None else frozenset(self.camera_ids),
            list_ids=None if self.list_ids is None else frozenset(self.list_ids),
            mask_states=None if self.mask_state is None else frozenset({self.mask_state}),
            after=None if self.after is None else read_score_cursor(self.after),
        )


class BatchWish(Wish):
    top_k: int = Field(3, ge=1, le=10, description="most persons for each photo")
    threshold: float | None = Field(None, ge=0, le=1, description="cosine; else as the number of enrolled persons asks")
    list_ids: list[Ulid] | None = Field(None, max_length=100, description="persons on one of these lists")


class CompareWish(Wish):
    first_sighting_id: Ulid | None = None
    first_person_id: Ulid | None = None
    second_sighting_id: Ulid | None = None
    second_person_id: Ulid | None = None


def read(kind: type[W]) -> W:
    """Read the wish of this request; files are no part of it.

    Raises:
        Invalid: fields are wrong, missing or unknown; names each.
    """
    try:
        if request.mimetype == "multipart/form-data":
            return kind.model_validate({name: _text(kind, name) for name in request.form})
        if request.mimetype == "application/json":
            request.get_json()  # its words for what is no JSON
            return kind.model_validate_json(request.get_data(cache=True), strict=True)
    except BadRequest as error:
        raise Invalid.field("body", "expected a JSON object, got something that is no JSON") from error
    except ValidationError as error:
        wrong = tuple(FieldProblem(".".join(map(str, one["loc"])) or "body", one["msg"]) for one in error.errors())
        raise Invalid(
            "; ".join(f"{one.field}: {one.message}" for one in wrong), code="validation", fields=wrong
        ) from error
    got = request.mimetype[:60] or "none"
    raise Invalid.field("body", f"expected multipart/form-data or application/json, got {got}", code="media_type")


def parts_of(kind: type[BaseModel], **files: Part) -> dict[str, Part]:
    """The fields of a form, for its documentation."""
    texts = {
        field.alias or name: Part("text", field.description or name.replace("_", " "), required=field.is_required())
        for name, field in kind.model_fields.items()
    }
    return {**files, **texts}


def parameters(wish: Wish) -> dict[str, Any]:
    """What the record keeps of a wish beside its purpose: filters, threshold, how many."""
    return wish.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"purpose"})


def _text(kind: type[BaseModel], name: str) -> object:
    """One field of the form: several texts where the wish has a list, four numbers for a box."""
    values = request.form.getlist(name)
    field = next((one for key, one in kind.model_fields.items() if (one.alias or key) == name), None)
    if field is not None and any(get_origin(one) is list for one in getattr(field.annotation, "__args__", ())):
        return values
    if name == "box" and len(values) == 1:
        return values[0].split(",")
    return values[0] if len(values) == 1 else values
