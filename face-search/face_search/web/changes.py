"""Decisions about who is who: two entries are one, one is two; what was decided, and taking it back."""

from __future__ import annotations

from typing import Literal, cast

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from face_search import gallery
from face_search.adapters.store import Store
from face_search.parts import Parts
from face_search.undoing import undo
from face_search.web.access import allow, caller
from face_search.web.deciders import decider
from shared_kernel.idempotency import Creation, once
from shared_kernel.messages import Moment
from shared_kernel.shapes import Body, Empty, Line, PageQuery, Ulid
from shared_kernel.tables import GalleryChange

Kind = Literal["merge", "split", "not_this_person", "confirm", "lists"]


class MergeIn(Body):
    other_id: Ulid = Field(description="the entry that turned out to be this person")


class SplitIn(Body):
    sample_ids: list[Ulid] = Field([], max_length=200, description="pictures of the new person")
    sighting_ids: list[Ulid] = Field([], max_length=1000, description="sightings of the new person")
    name: Line = Field(min_length=1, max_length=64, description="of the new person")


class Split(SplitIn):
    """What makes two requests the same one."""

    person_id: str


class ChangeQuery(PageQuery):
    person_id: Ulid | None = Field(None, description="about this person only")


class ChangeOut(BaseModel):
    change_id: str
    kind: Kind
    person_id: str = Field(description="about whom; of a merge who stays, of a split who was")
    other_id: str | None = Field(description="who went in a merge, who is new after a split, or the sighting")
    created_by: str | None = Field(description="user; null: a service")
    created_at: Moment
    undone_at: Moment | None
    undone_by: str | None


class ChangePage(BaseModel):
    """A page of decisions, newest first."""

    items: list[ChangeOut]
    next: str | None = Field(description="`after` of the next page; null on the last")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /faces/persons/{id}/merge, …/split, /faces/changes and /faces/changes/{id}/undo."""
    routes = APIBlueprint("changes", __name__, tag="Persons")
    _deciding(routes, parts)

    @routes.get("/changes")
    @allow("face.view")
    @routes.input(ChangeQuery, location="query", arg_name="query")
    @routes.output(ChangePage)
    @routes.doc(summary="What was decided about who is who")
    def changes(query: ChangeQuery) -> ChangePage:
        with parts.database.read() as store:
            rows = store.changes.page(query.person_id, query.place, query.limit + 1)
        shown, following = query.page(rows, lambda row: (row.created_at, row.change_id))
        return ChangePage(items=[_change_out(row) for row in shown], next=following)

    @routes.post("/changes/<ulid:change_id>/undo")
    @allow("face.manage")
    @routes.input(Empty, arg_name="given")
    @routes.output(ChangeOut)
    @routes.doc(
        summary="Take a decision back: everything is as it was",
        responses={409: "already_undone, or changed_since: errors names what has to be taken back first"},
    )
    def take_back(change_id: str, given: Empty) -> ChangeOut:  # noqa: ARG001 - the body may be empty
        deciding = decider()
        return parts.database.run(lambda store: _change_out(undo(store, change_id, deciding)))

    return routes


def _deciding(routes: APIBlueprint, parts: Parts) -> None:
    @routes.post("/persons/<ulid:person_id>/merge")
    @allow("face.manage")
    @routes.input(MergeIn, arg_name="given")
    @routes.output(ChangeOut)
    @routes.doc(
        summary="Two entries are one person; this one stays",
        responses={409: "one of them turned out to be somebody else already"},
    )
    def merge(person_id: str, given: MergeIn) -> ChangeOut:
        deciding = decider()
        return parts.database.run(lambda store: _change_out(gallery.merge(store, person_id, given.other_id, deciding)))

    @routes.post("/persons/<ulid:person_id>/split")
    @allow("face.manage")
    @routes.input(SplitIn, arg_name="given")
    @routes.output(ChangeOut, status_code=201)
    @routes.doc(summary="Some pictures and sightings are a new person's", responses={409: "the person was merged"})
    def split(person_id: str, given: SplitIn) -> dict[str, object]:
        deciding = decider()

        def work(store: Store) -> ChangeOut:
            piece = gallery.Piece(set(given.sample_ids), set(given.sighting_ids), given.name)
            return _change_out(gallery.split(store, person_id, piece, deciding))

        creation = Creation(caller().user_id, "POST /persons/split", Split(person_id=person_id, **given.model_dump()))
        return once(parts.database, parts.ticket_key, creation, work)[0]


def _change_out(row: GalleryChange) -> ChangeOut:
    return ChangeOut(
        change_id=row.change_id,
        kind=cast("Kind", row.kind),  # the table allows these words only
        person_id=row.person_id,
        other_id=row.other_id,
        created_by=row.created_by,
        created_at=row.created_at,
        undone_at=row.undone_at,
        undone_by=row.undone_by,
    )
