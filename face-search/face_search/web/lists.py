"""Lists that persons are on: staff, visitors, those to watch for, and own ones."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, cast

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field, StringConstraints

from face_search.adapters.store import Store
from face_search.parts import Parts
from face_search.web.access import allow, caller
from shared_kernel.clock import now
from shared_kernel.errors import Conflict, Invalid, NotFound
from shared_kernel.idempotency import Creation, once
from shared_kernel.messages import Moment, new_id
from shared_kernel.shapes import Body, Line
from shared_kernel.tables import FaceList

Kind = Literal["staff", "visitor", "watch", "own"]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]

#: More would be a mistake of a script.
MAX_LISTS: Final = 200
_MAX_KEEP_DAYS: Final = 3650
_KEEP_DAYS: Final = Field(
    None,
    ge=1,
    le=_MAX_KEEP_DAYS,
    description="sightings of whoever is on it go after this; null: as the service is set",
)


class ListIn(Body):
    name: Line = Field(min_length=1, max_length=64, description="what people call it")
    code: Code | None = Field(None, description="short name for imports; else made of the name")
    kind: Kind = "own"
    alerts: bool | None = Field(None, description="seeing somebody of it raises an alert; else only of kind watch")
    keep_days: int | None = _KEEP_DAYS


class ListPatch(Body):
    """Only the fields that are there change. The code stays: files of imports name it."""

    name: Line | None = Field(None, min_length=1, max_length=64)
    kind: Kind | None = None
    alerts: bool | None = None
    keep_days: int | None = _KEEP_DAYS


class ListOut(BaseModel):
    list_id: str
    code: str
    name: str
    kind: Kind
    alerts: bool
    keep_days: int | None
    persons: int = Field(description="how many are on it")
    created_at: Moment


class ListPage(BaseModel):
    """All lists, in the order in which they were made."""

    items: list[ListOut]
    next: str | None = Field(None, description="always null: there are not so many")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /faces/lists."""
    routes = APIBlueprint("lists", __name__, tag="Persons")

    @routes.get("/lists")
    @allow("face.view")
    @routes.output(ListPage)
    @routes.doc(summary="Lists that persons are on")
    def lists() -> ListPage:
        with parts.database.read() as store:
            return ListPage(items=[_list_out(row, persons) for row, persons in store.lists.all()], next=None)

    @routes.post("/lists")
    @allow("face.manage")
    @routes.input(ListIn, arg_name="given")
    @routes.output(ListOut, status_code=201)
    @routes.doc(summary="Make a list", responses={409: "the code is taken, or there are too many"})
    def add_list(given: ListIn) -> dict[str, object]:
        creation = Creation(caller().user_id, "POST /lists", given)
        answer, _ = once(parts.database, parts.ticket_key, creation, lambda store: _list_out(_added(store, given), 0))
        return answer

    @routes.patch("/lists/<ulid:list_id>")
    @allow("face.manage")
    @routes.input(ListPatch, arg_name="given")
    @routes.output(ListOut)
    @routes.doc(summary="Rename a list, or change what it does")
    def change_list(list_id: str, given: ListPatch) -> ListOut:
        def work(store: Store) -> ListOut:
            row = _list(store, list_id)
            for name in given.model_fields_set:
                value = getattr(given, name)
                if value is None and name != "keep_days":
                    raise Invalid.field(name, "expected a value, got null")
                setattr(row, name, value)
            return _list_out(row, store.lists.members(list_id))

        return parts.database.run(work)

    @routes.delete("/lists/<ulid:list_id>")
    @allow("face.manage")
    @routes.output({}, status_code=204)
    @routes.doc(summary="Remove a list that nobody is on", responses={409: "somebody is on it"})
    def remove_list(list_id: str) -> Response:
        def work(store: Store) -> None:
            row = _list(store, list_id)
            if members := store.lists.members(list_id):
                detail = f"list {row.name}: expected nobody on it, found {members}: take them off first"
                raise Conflict(detail, code="list_in_use")
            store.lists.remove(row)

        parts.database.run(work)
        return Response(status=204)

    return routes


def _list(store: Store, list_id: str) -> FaceList:
    row = store.lists.get(list_id, lock=True)
    if row is None:
        raise NotFound(f"list {list_id}: expected one that exists, found none", code="no_list")
    return row


def _added(store: Store, given: ListIn) -> FaceList:
    if store.lists.count() >= MAX_LISTS:
        raise Conflict(f"lists: expected at most {MAX_LISTS}", code="too_many_lists")
    list_id = new_id()
    code = given.code or _code_of(given.name)
    if given.code is None and (code is None or store.lists.with_code(code) is not None):
        code = f"list-{list_id[-8:].lower()}"
    if code is None or store.lists.with_code(code) is not None:
        raise Conflict(f"code: expected one that is free, {code} is taken", code="code_taken")
    row = FaceList(list_id=list_id, code=code, name=given.name, kind=given.kind, keep_days=given.keep_days)
    row.alerts = given.kind == "watch" if given.alerts is None else given.alerts
    row.created_at = now()
    store.lists.add(row)
    return row


def _code_of(name: str) -> str | None:
    """A code that reads like the name; None where nothing of it can be one."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:32].strip("-") or None


def _list_out(row: FaceList, persons: int) -> ListOut:
    return ListOut(
        list_id=row.list_id,
        code=row.code,
        name=row.name,
        kind=cast("Kind", row.kind),  # the table allows these words only
        alerts=row.alerts,
        keep_days=row.keep_days,
        persons=persons,
        created_at=row.created_at,
    )
