"""Alerts about people on watch lists: a list with filters, newest first, one of them, and that somebody has seen it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from face_search.adapters.likeness import Known
from face_search.adapters.watches import Watched, WatchFilter
from face_search.parts import Parts
from face_search.watching import acknowledge, of_viewer
from face_search.web.access import allow, author, picture_url
from face_search.web.sighted import SightingOut, sightings_out, viewer
from shared_kernel.errors import NotFound
from shared_kernel.messages import Moment
from shared_kernel.shapes import Empty, PageQuery, Ulid, When


class WatchQuery(PageQuery):
    person_id: Ulid | None = None
    camera_id: Ulid | None = None
    acknowledged: bool | None = Field(None, description="only those that somebody has seen to, or nobody")
    since: When | None = Field(None, alias="from", description="seen at or after, RFC 3339")
    until: When | None = Field(None, alias="to", description="seen before, RFC 3339")


class WatchAlertOut(BaseModel):
    alert_id: str
    raised_at: Moment
    seen_at: Moment
    person_id: str = Field(description="who is on the list")
    person_name: str
    person_crop_url: str | None = Field(description="the best sample; opens for ten minutes for this user")
    list_names: list[str] = Field(description="the lists that wanted to be told, as they were called then")
    score: float | None = Field(description="cosine to the person then, -1 to 1")
    threshold: float | None = Field(description="what it had to reach then")
    near_tie: bool = Field(description="another person was about as near")
    acknowledged_by: str | None = Field(description="user; null: nobody yet, or another service")
    acknowledged_by_name: str | None = Field(description="null: no longer known, or another service")
    acknowledged_at: Moment | None = Field(description="null: nobody yet")
    sighting: SightingOut = Field(description="as it is now, whatever a human decided since")


class WatchAlertPage(BaseModel):
    """A page of alerts, those seen last first."""

    items: list[WatchAlertOut]
    next: str | None = Field(description="`after` of the next page; null on the last")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /faces/watch-alerts, /faces/watch-alerts/{id} and …/acknowledge."""
    routes = APIBlueprint("watch_alerts", __name__, tag="Sightings")

    @routes.get("/watch-alerts")
    @allow("face.view")
    @routes.input(WatchQuery, location="query", arg_name="query")
    @routes.output(WatchAlertPage)
    @routes.doc(summary="Who of a watch list was seen; only by the caller's cameras")
    def alerts(query: WatchQuery) -> WatchAlertPage:
        which = WatchFilter(
            person_id=query.person_id,
            camera_id=query.camera_id,
            acknowledged=query.acknowledged,
            since=query.since,
            until=query.until,
            after=query.place,
        )
        with parts.database.read() as store:
            rows = store.watches.page(which, viewer(), query.limit + 1)
        shown, following = query.page(rows, lambda one: (one.alert.seen_at, one.alert.alert_id))
        return WatchAlertPage(items=_alerts_out(parts, shown), next=following)

    @routes.get("/watch-alerts/<ulid:alert_id>")
    @allow("face.view")
    @routes.output(WatchAlertOut)
    @routes.doc(summary="One alert")
    def one_alert(alert_id: str) -> WatchAlertOut:
        with parts.database.read() as store:
            found = of_viewer(store, alert_id, viewer())
        return _alert_out(parts, found)

    @routes.post("/watch-alerts/<ulid:alert_id>/acknowledge")
    @allow("face.view")
    @routes.input(Empty, arg_name="given")
    @routes.output(WatchAlertOut)
    @routes.doc(summary="Say that somebody has seen to it; of several who do, the first stays")
    def seen_to(alert_id: str, given: Empty) -> WatchAlertOut:  # noqa: ARG001 - the body may be empty
        who = viewer(), author()
        return _alert_out(parts, parts.database.run(lambda store: acknowledge(store, alert_id, *who)))

    return routes


def _alert_out(parts: Parts, row: Watched) -> WatchAlertOut:
    shown = _alerts_out(parts, [row])
    if not shown:
        raise NotFound(f"alert {row.alert.alert_id}: its person was erased a moment ago", code="no_alert")
    return shown[0]


def _alerts_out(parts: Parts, rows: Sequence[Watched]) -> list[WatchAlertOut]:
    """Show these rows in their order; whose person has gone meanwhile is left out."""
    with parts.database.read() as store:
        known = store.likeness.known({row.person_id for row in rows})
        seen = sightings_out(parts, store, [row.sighting for row in rows])
    names = {one: parts.door.name(one) for one in {row.alert.acknowledged_by for row in rows} if one is not None}
    return [
        _shown(parts, row, person, sighting, names.get(row.alert.acknowledged_by or ""))
        for row, sighting in zip(rows, seen, strict=True)
        if (person := known.get(row.person_id)) is not None
    ]


def _shown(parts: Parts, row: Watched, person: Known, sighting: SightingOut, author_name: str | None) -> WatchAlertOut:
    alert = row.alert
    return WatchAlertOut(
        alert_id=alert.alert_id,
        raised_at=alert.raised_at,
        seen_at=alert.seen_at,
        person_id=row.person_id,
        person_name=person.name,
        person_crop_url=None if person.best_sample_id is None else picture_url(parts, person.best_sample_id),
        list_names=json.loads(alert.list_names),
        score=alert.score,
        threshold=alert.threshold,
        near_tie=alert.near_tie,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_by_name=author_name,
        acknowledged_at=alert.acknowledged_at,
        sighting=sighting,
    )
