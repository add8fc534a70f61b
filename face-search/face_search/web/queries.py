"""Who looked for whom, and why: for those who watch over the watchers."""

from __future__ import annotations

import json
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from face_search.adapters.queries import QueryFilter
from face_search.looks import Kind
from face_search.parts import Parts
from face_search.web.access import allow
from shared_kernel.messages import Moment
from shared_kernel.shapes import PageQuery, Ulid, When
from shared_kernel.tables import FaceQuery


class LookQuery(PageQuery):
    user_id: Ulid | None = Field(None, description="who looked")
    kind: Kind | None = None
    subject: Ulid | None = Field(None, description="person or sighting that was looked for")
    since: When | None = Field(None, alias="from", description="at or after, RFC 3339")
    until: When | None = Field(None, alias="to", description="before, RFC 3339")


class LookOut(BaseModel):
    query_id: str
    user_id: str
    user_name: str | None = Field(description="null: no longer known, or another service")
    kind: Kind
    purpose: str = Field(description="why, in the words of the user")
    subject: str = Field(description="photo, or the id of the person or sighting that was looked for")
    parameters: dict[str, Any] = Field(description="filters, threshold, how many")
    shown: int = Field(description="how many persons and sightings were shown")
    shown_ids: list[str] = Field(description="which, in the order of the answer")
    address: str | None = Field(description="network address of the caller")
    created_at: Moment


class LookPage(BaseModel):
    """A page of looks, newest first."""

    items: list[LookOut]
    next: str | None = Field(description="`after` of the next page; null on the last")


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /faces/queries."""
    routes = APIBlueprint("queries", __name__, tag="Search")

    @routes.get("/queries")
    @allow("face.audit")
    @routes.input(LookQuery, location="query", arg_name="query")
    @routes.output(LookPage)
    @routes.doc(summary="Every look for a face: who, why, with what, and what was shown")
    def queries(query: LookQuery) -> LookPage:
        which = QueryFilter(
            user_id=query.user_id,
            kind=query.kind,
            subject=query.subject,
            since=query.since,
            until=query.until,
            after=query.place,
        )
        with parts.database.read() as store:
            rows = store.queries.page(which, query.limit + 1)
        shown, following = query.page(rows, lambda row: (row.created_at, row.query_id))
        names = {one: parts.door.name(one) for one in {row.user_id for row in shown}}
        return LookPage(items=[_look_out(row, names.get(row.user_id)) for row in shown], next=following)

    return routes


def _look_out(row: FaceQuery, name: str | None) -> LookOut:
    ids = json.loads(row.shown)
    return LookOut(
        query_id=row.query_id,
        user_id=row.user_id,
        user_name=name,
        kind=row.kind,
        purpose=row.purpose,
        subject=row.subject,
        parameters=json.loads(row.parameters),
        shown=len(ids),
        shown_ids=ids,
        address=row.address,
        created_at=row.created_at,
    )
