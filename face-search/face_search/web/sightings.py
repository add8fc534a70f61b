"""Faces that were seen: a list with filters, newest first, one of them, and what a human decides about it."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from face_search import deciding
from face_search.adapters.store import Store
from face_search.adapters.tracks import SightingFilter
from face_search.deciding import Decided
from face_search.parts import Parts
from face_search.web.access import allow, author
from face_search.web.sighted import SightingOut, sightings_out, viewer
from shared_kernel.errors import NotFound
from shared_kernel.messages import Decision
from shared_kernel.shapes import Body, Empty, PageQuery, Ulid, When


class SightingQuery(PageQuery):
    person_id: Ulid | None = None
    camera_id: Ulid | None = None
    decision: Decision | None = None
    since: When | None = Field(None, alias="from", description="seen at or after, RFC 3339")
    until: When | None = Field(None, alias="to", description="seen before, RFC 3339")


class SightingPage(BaseModel):
    """A page of sightings, newest first."""

    items: list[SightingOut]
    next: str | None = Field(description="`after` of the next page; null on the last")


class ConfirmIn(Body):
    person_id: Ulid


class DecidedOut(SightingOut):
    change_id: str | None = Field(description="to take the decision back; null: nothing changed")
    offers_sample: bool = Field(description="the face is good enough to be enrolled as a sample of this person")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /faces/sightings, /faces/sightings/{id}, …/confirm and …/reject."""
    routes = APIBlueprint("sightings", __name__, tag="Sightings")

    @routes.get("/sightings")
    @allow("face.view")
    @routes.input(SightingQuery, location="query", arg_name="query")
    @routes.output(SightingPage)
    @routes.doc(summary="Faces that were seen, recognised or not; only those of the caller's cameras")
    def sightings(query: SightingQuery) -> SightingPage:
        which = SightingFilter(
            person_id=query.person_id,
            camera_id=query.camera_id,
            decision=query.decision,
            since=query.since,
            until=query.until,
            after=query.place,
        )
        with parts.database.read() as store:
            rows = store.tracks.page(which, viewer(), query.limit + 1)
            shown, following = query.page(rows, lambda row: (row.seen_at, row.sighting_id))
            return SightingPage(items=sightings_out(parts, store, shown), next=following)

    @routes.get("/sightings/<ulid:sighting_id>")
    @allow("face.view")
    @routes.output(SightingOut)
    @routes.doc(summary="One sighting")
    def one_sighting(sighting_id: str) -> SightingOut:
        with parts.database.read() as store:
            row = store.tracks.one(sighting_id, viewer())
            if row is None:
                raise NotFound(f"sighting {sighting_id}: expected one that you may see, found none", code="no_sighting")
            return sightings_out(parts, store, [row])[0]

    @routes.post("/sightings/<ulid:sighting_id>/confirm")
    @allow("face.view")
    @routes.input(ConfirmIn, arg_name="given")
    @routes.output(DecidedOut)
    @routes.doc(summary="Say who it is; the face is offered as a sample when it is good")
    def confirm(sighting_id: str, given: ConfirmIn) -> DecidedOut:
        who = viewer(), author()
        return parts.database.run(
            lambda store: _decided_out(parts, store, deciding.confirm(store, sighting_id, given.person_id, *who))
        )

    @routes.post("/sightings/<ulid:sighting_id>/reject")
    @allow("face.view")
    @routes.input(Empty, arg_name="given")
    @routes.output(DecidedOut)
    @routes.doc(
        summary="Say that it is not who it is taken for; kept as a negative that every search respects",
        responses={409: "it is taken for nobody"},
    )
    def reject(sighting_id: str, given: Empty) -> DecidedOut:  # noqa: ARG001 - the body may be empty
        who = viewer(), author()
        return parts.database.run(lambda store: _decided_out(parts, store, deciding.reject(store, sighting_id, *who)))

    return routes


def _decided_out(parts: Parts, store: Store, decided: Decided) -> DecidedOut:
    [shown] = sightings_out(parts, store, [decided.row])
    return DecidedOut(**shown.model_dump(), change_id=decided.change_id, offers_sample=decided.offers_sample)
