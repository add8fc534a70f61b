"""Floor plans: pictures to draw movements on where no map can be loaded.

A plan is a stranger's file. It is decoded in a child process, reduced and stored as a PNG of our own: nothing of what
was sent is ever served to anybody.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Self

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from face_search.adapters.store import Store
from face_search.parts import Parts
from face_search.ports import Picture
from face_search.web.access import allow, caller, ticketed
from face_search.web.intake import Part, form, photo
from face_search.web.wishes import parts_of, read
from shared_kernel.clock import now
from shared_kernel.errors import Conflict, NotFound, Unavailable
from shared_kernel.idempotency import Creation, once
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import Moment, new_id
from shared_kernel.shapes import Line
from shared_kernel.tables import FloorPlan
from shared_kernel.vision.encoding import png
from shared_kernel.vision.models.resize import fitted

log = get_logger(__name__)

#: Longer side of a stored plan at most, pixels: what a browser shows without trouble.
MAX_SIDE_PX: Final = 4096
#: Plans of one installation at most.
MAX_PLANS: Final = 200
#: A withdrawn right must end cached pictures within five seconds.
_CACHE: Final = "private, max-age=4"


class PlanIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[Line, StringConstraints(max_length=64)] = Field(description="such as Building 2, ground floor")
    west: float = Field(ge=-180, le=180, description="longitude of the left edge, degrees, WGS-84")
    south: float = Field(ge=-90, le=90, description="latitude of the lower edge")
    east: float = Field(ge=-180, le=180, description="longitude of the right edge")
    north: float = Field(ge=-90, le=90, description="latitude of the upper edge")

    @model_validator(mode="after")
    def _corners_are_ordered(self) -> Self:
        if not (self.west < self.east and self.south < self.north):
            raise ValueError("corners: expected west < east and south < north")
        return self


class _Given(PlanIn):
    """A request as its Idempotency-Key knows it."""

    sha256: str


class PlanOut(BaseModel):
    plan_id: str
    name: str
    width: int = Field(description="pixels")
    height: int
    west: float
    south: float
    east: float
    north: float
    picture_url: str = Field(description="opens for ten minutes for this user")
    created_at: Moment


class PlansOut(BaseModel):
    """All floor plans, by name."""

    items: list[PlanOut]


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /faces/floor-plans, /faces/floor-plans/{id} and …/picture."""
    routes = APIBlueprint("floor_plans", __name__, tag="Trajectories")

    @routes.get("/floor-plans")
    @allow("face.view")
    @routes.output(PlansOut)
    @routes.doc(summary="All floor plans")
    def plans() -> PlansOut:
        with parts.database.read() as store:
            return PlansOut(items=[_plan_out(parts, row) for row in store.plans.all()])

    @routes.post("/floor-plans")
    @allow("face.manage")
    @form(**parts_of(PlanIn, picture=Part("file", "the plan, north up; stored as a PNG of at most 4096 pixels a side")))
    @routes.output(PlanOut, status_code=201)
    @routes.doc(summary="Add a floor plan and say where it lies", responses={409: "there are too many plans"})
    def add() -> dict[str, Any]:
        given = read(PlanIn)
        sent = photo(parts, "picture")
        creation = Creation(
            caller().user_id,
            "POST /faces/floor-plans",
            _Given(**given.model_dump(), sha256=hashlib.sha256(sent.data).hexdigest()),
        )
        picture = fitted(sent.picture, MAX_SIDE_PX)
        answer, _ = once(parts.database, parts.ticket_key, creation, lambda store: _add(parts, store, given, picture))
        # an answer that is given again would have an address that does not open any more
        return {**answer, "picture_url": _picture_url(parts, answer["plan_id"])}

    @routes.delete("/floor-plans/<ulid:plan_id>")
    @allow("face.manage")
    @routes.output({}, status_code=204)
    @routes.doc(summary="Remove a floor plan")
    def remove(plan_id: str) -> Response:
        with parts.database.write() as store:
            row = _plan(store, plan_id)
            store.plans.delete(row)
        try:
            parts.blobs.delete(row.object_key)
        except Unavailable as error:
            log.warning("floor plan left in the store", extra=fields(key=row.object_key, reason=error.reason))
        return Response(status=204)

    @routes.get("/floor-plans/<ulid:plan_id>/picture")
    @allow("face.view", ticket_for="plan_id")
    @routes.doc(summary="The picture of a floor plan by its short-lived address")
    def picture(plan_id: str) -> Response:
        with parts.database.read() as store:
            key = _plan(store, plan_id).object_key
        response = Response(parts.blobs.get(key), mimetype="image/png")
        response.headers["Cache-Control"] = _CACHE
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        return response

    return routes


def _plan(store: Store, plan_id: str) -> FloorPlan:
    row = store.plans.get(plan_id)
    if row is None:
        raise NotFound(f"floor plan {plan_id}: expected one that is there, found none", code="no_plan")
    return row


def _add(parts: Parts, store: Store, given: PlanIn, picture: Picture) -> PlanOut:
    if store.plans.count() >= MAX_PLANS:
        raise Conflict(f"floor plans: expected at most {MAX_PLANS}, there are as many", code="too_many_plans")
    data = png(picture)
    row = FloorPlan(plan_id=new_id(), bytes=len(data), created_at=now(), **given.model_dump())
    row.height, row.width = picture.shape[:2]
    row.object_key = f"floor-plans/{row.plan_id}.png"
    parts.blobs.put(row.object_key, data, content_type="image/png")
    store.plans.add(row)
    return _plan_out(parts, row)


def _plan_out(parts: Parts, row: FloorPlan) -> PlanOut:
    return PlanOut(
        plan_id=row.plan_id,
        name=row.name,
        width=row.width,
        height=row.height,
        west=row.west,
        south=row.south,
        east=row.east,
        north=row.north,
        picture_url=_picture_url(parts, row.plan_id),
        created_at=row.created_at,
    )


def _picture_url(parts: Parts, plan_id: str) -> str:
    return ticketed(parts, f"/floor-plans/{plan_id}/picture", plan_id)
