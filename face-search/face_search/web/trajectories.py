"""Where a person, or an unknown face, has been: as JSON for the dashboard, as GeoJSON for maps and other systems.

Whoever asks is written down as with a search: nothing tells more of somebody than where they went.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Final, Literal

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from face_search import movements
from face_search.adapters.store import Store
from face_search.geojson import MEDIA_TYPE, feature_collection
from face_search.looks import Look, record
from face_search.movements import Movements, Period
from face_search.parts import Parts
from face_search.trajectory import BY_VEHICLE, ON_FOOT, Doubt, LeftOut, Leg
from face_search.web.access import allow, caller
from face_search.web.hits import count_looks, searcher
from face_search.web.sighted import SightingOut, sightings_out, viewer
from face_search.web.wishes import Purpose
from shared_kernel.clock import EPOCH, now
from shared_kernel.errors import Invalid
from shared_kernel.messages import Moment
from shared_kernel.shapes import Query, When

#: What is shown when nobody says from when.
DEFAULT_SPAN: Final = timedelta(days=7)
_PACES: Final = {"foot": ON_FOOT, "vehicle": BY_VEHICLE}
_TOO_MANY: Final = {429: "too many looks within a minute; Retry-After says when to try again"}


_FORMATS: Final = "With `format=geojson` the answer is a FeatureCollection, `application/geo+json` (RFC 7946)."


class TrackQuery(Query):
    since: When | None = Field(None, alias="from", description="seen at or after, RFC 3339; else a week before `to`")
    until: When | None = Field(None, alias="to", description="seen before, RFC 3339; else now")
    format: Literal["json", "geojson"] = "json"
    pace: Literal["foot", "vehicle"] = Field("foot", description="what speed is plausible, and what is possible")
    purpose: Purpose = Field(description="why; kept with who, what and what was shown")


class LegOut(BaseModel):
    from_sighting_id: str
    to_sighting_id: str
    seconds: float
    distance_m: float = Field(description="straight, on WGS-84")
    speed_m_s: float | None = Field(description="distance by time; null: at the same time")
    least_speed_m_s: float = Field(description="allowing for clocks that differ and faces away from their camera")
    verdict: Literal["plausible", "doubtful", "impossible"]
    doubts: list[Doubt] = Field(description="why, most serious first")
    weight: float = Field(description="of its weaker end, 0 to 1")


class LeftOutOut(BaseModel):
    sighting_id: str
    why: Doubt
    contradicts: str | None = Field(description="the sighting on the line that makes it impossible")
    disputed: bool = Field(description="the line through this one instead would be nearly as well supported")


class TrajectoryOut(BaseModel):
    person_id: str | None = Field(description="null: an unknown face")
    person_name: str | None
    since: Moment = Field(description="the time that was asked for")
    until: Moment
    sightings: list[SightingOut] = Field(description="oldest first; also those that are not on the line")
    legs: list[LegOut] = Field(
        description="of the line, and the impossible ones that contradict it, which are not to be drawn"
    )
    left_out: list[LeftOutOut] = Field(description="sightings that are not on the line")
    whole: bool = Field(description="false: there are more sightings, older ones; ask for less time")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /faces/persons/{id}/trajectory and /faces/sightings/{id}/trajectory."""
    routes = APIBlueprint("trajectories", __name__, tag="Trajectories")

    @routes.get("/persons/<ulid:person_id>/trajectory")
    @allow("face.view")
    @routes.input(TrackQuery, location="query", arg_name="query")
    @routes.output(TrajectoryOut)
    @routes.doc(
        summary="Where a person has been, as far as the caller's cameras saw it",
        responses=_TOO_MANY,
        description=_FORMATS,
    )
    def of_person(person_id: str, query: TrackQuery) -> TrajectoryOut | Response:
        return _answer(
            parts,
            query,
            person_id,
            lambda store, period: movements.of_person(store, person_id, viewer(), period, _PACES[query.pace]),
        )

    @routes.get("/sightings/<ulid:sighting_id>/trajectory")
    @allow("face.view")
    @routes.input(TrackQuery, location="query", arg_name="query")
    @routes.output(TrajectoryOut)
    @routes.doc(
        summary="Where the unknown face of a sighting has been, by likeness", responses=_TOO_MANY, description=_FORMATS
    )
    def of_face(sighting_id: str, query: TrackQuery) -> TrajectoryOut | Response:
        return _answer(
            parts,
            query,
            sighting_id,
            lambda store, period: movements.of_face(searcher(parts, store), sighting_id, period, _PACES[query.pace]),
        )

    return routes


def _answer(
    parts: Parts, query: TrackQuery, subject: str, moved: Callable[[Store, Period], Movements]
) -> TrajectoryOut | Response:
    period = _period(query)
    count_looks(parts)
    with parts.database.read() as store:
        found = moved(store, period)
        shown = sightings_out(parts, store, found.rows)
    _write_down(parts, query, subject, period, [row.sighting_id for row in found.rows])
    if query.format == "geojson":
        return _geojson(found, shown)
    legs = [*found.track.legs, *(one.leg for one in found.track.left_out if one.leg is not None)]
    return TrajectoryOut(
        person_id=None if found.person is None else found.person.person_id,
        person_name=None if found.person is None else found.person.name,
        since=period.since,
        until=period.until,
        sightings=shown,
        legs=[_leg_out(one) for one in sorted(legs, key=lambda leg: (leg.start.seen_at, leg.end.seen_at))],
        left_out=[_left_out(one) for one in found.track.left_out],
        whole=found.whole,
    )


def _period(query: TrackQuery) -> Period:
    until = query.until or now()
    since = query.since or max(until - DEFAULT_SPAN, EPOCH)
    if since >= until:
        raise Invalid.field("from", "expected a time before `to`")
    return Period(since, until)


def _write_down(parts: Parts, query: TrackQuery, subject: str, period: Period, shown: list[str]) -> None:
    asked = query.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"purpose"})
    look = Look(
        user_id=caller().user_id,
        kind="trajectory",
        purpose=query.purpose,
        subject=subject,
        parameters={**asked, "from": period.since.isoformat(), "to": period.until.isoformat()},
        address=request.remote_addr,
    )
    parts.database.run(lambda store: record(store, look, shown))


def _geojson(found: Movements, shown: list[SightingOut]) -> Response:
    """No addresses of pictures: the file is kept and handed on, and they would not open."""
    facts = {one.sighting_id: {"camera_id": one.camera_id, "camera_name": one.camera_name} for one in shown}
    collection = feature_collection(found.track, lambda seen: facts[seen.sighting_id])
    response = Response(json.dumps(collection, ensure_ascii=False, allow_nan=False), mimetype=MEDIA_TYPE)
    response.headers["Content-Disposition"] = 'attachment; filename="trajectory.geojson"'
    return response


def _leg_out(leg: Leg) -> LegOut:
    return LegOut(
        from_sighting_id=leg.start.sighting_id,
        to_sighting_id=leg.end.sighting_id,
        seconds=leg.seconds,
        distance_m=round(leg.distance_m, 1),
        speed_m_s=None if leg.speed_m_s is None else round(leg.speed_m_s, 2),
        least_speed_m_s=round(leg.least_speed_m_s, 2),
        verdict=leg.verdict,
        doubts=list(leg.doubts),
        weight=round(leg.weight, 3),
    )


def _left_out(one: LeftOut) -> LeftOutOut:
    contradicts = None
    if one.leg is not None:
        contradicts = (one.leg.end if one.leg.start is one.seen else one.leg.start).sighting_id
    return LeftOutOut(sighting_id=one.seen.sighting_id, why=one.why, contradicts=contradicts, disputed=one.disputed)
