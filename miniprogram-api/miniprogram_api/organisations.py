"""Organisations: a tree. People see and manage their own and what is below it."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from miniprogram_api.access import allow, caller, no_content
from miniprogram_api.adapters.store import Store
from miniprogram_api.idempotency import once
from miniprogram_api.parts import Parts
from miniprogram_api.rights import scope_of, visible_organisation
from shared_kernel.clock import now
from shared_kernel.errors import Conflict, NotFound
from shared_kernel.messages import Moment, new_id
from shared_kernel.shapes import Body, Line, Ulid
from shared_kernel.tables import ROOT_ORG_ID, Organisation
from shared_kernel.web import client_address

#: How far below the root: a path of so many ids fits its column.
MAX_DEPTH: Final = 8
#: More would be a mistake of a script.
MAX_ORGANISATIONS: Final = 1000
_CODE: Final = r"^[a-z0-9][a-z0-9_-]{0,31}$"


class OrganisationIn(Body):
    name: Line = Field(min_length=1, max_length=64, description="what people call it")
    code: str | None = Field(None, pattern=_CODE, description="short name; null: made of its id")
    parent_id: Ulid | None = Field(None, description="what it is part of; null: the caller's organisation")


class OrganisationPatch(Body):
    """Only the fields that are there change."""

    name: Line | None = Field(None, min_length=1, max_length=64)
    code: str | None = Field(None, pattern=_CODE)
    parent_id: Ulid | None = Field(None, description="move it there, with all below it")


class OrganisationOut(BaseModel):
    org_id: str
    parent_id: str | None = Field(description="what it is part of; null: the root, or not yours to see")
    code: str
    name: str
    depth: int = Field(description="how far below the root")
    created_at: Moment


class OrganisationsOut(BaseModel):
    items: list[OrganisationOut] = Field(description="each before what is below it")


def add_organisation(store: Store, parent_id: str, name: str, code: str | None) -> Organisation:
    """A new one below `parent_id`.

    Raises:
        NotFound: no such parent.
        Conflict: too deep, too many, or the code is taken.
    """
    _lock_tree(store)
    parent = store.organisations.get(parent_id)
    if parent is None:
        raise NotFound(f"organisation {parent_id}: expected one that you may see, found none", code="no_organisation")
    _check_depth(depth_of(parent) + 1)
    if store.organisations.count() >= MAX_ORGANISATIONS:
        raise Conflict(f"organisations: expected at most {MAX_ORGANISATIONS}", code="too_many_organisations")
    org_id = new_id()
    code = code or org_id.lower()
    _check_free(store, code)
    row = Organisation(org_id=org_id, parent_id=parent_id, path=f"{parent.path}{org_id}/", code=code, name=name)
    row.created_at = row.updated_at = now()
    store.organisations.add(row)
    return row


def move_organisation(store: Store, row: Organisation, parent: Organisation) -> None:
    """Put it, with all below it, below `parent`.

    Raises:
        Conflict: the root, into itself, or too deep.
    """
    _lock_tree(store)
    if row.org_id == ROOT_ORG_ID:
        raise Conflict("organisation: expected another one than the root", code="root")
    if parent.path.startswith(row.path):
        raise Conflict("parent_id: expected one that is not below it", code="cycle")
    moved = store.organisations.below(row.path)
    deepest = max(depth_of(one) for one in moved) - depth_of(row)
    _check_depth(depth_of(parent) + 1 + deepest)
    former, row.parent_id = row.path, parent.org_id
    for one in moved:
        one.path = f"{parent.path}{row.org_id}/{one.path.removeprefix(former)}"
        one.updated_at = now()


def remove_organisation(store: Store, row: Organisation) -> None:
    """Raises: Conflict: the root, or not empty."""
    _lock_tree(store)
    if row.org_id == ROOT_ORG_ID:
        raise Conflict("organisation: expected another one than the root", code="root")
    held = store.organisations.holds(row.org_id)
    if held is not None:
        raise Conflict(f"organisation {row.code}: expected an empty one, it has {held}", code="not_empty")
    store.organisations.remove(row, now())


def depth_of(row: Organisation) -> int:
    """How far below the root."""
    return row.path.count("/") - 2


def _lock_tree(store: Store) -> None:
    """Changes of the tree wait for each other: two moves at once could make a ring."""
    store.organisations.get(ROOT_ORG_ID, lock=True)


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Conflict(f"organisation: expected at most {MAX_DEPTH} levels, got {depth}", code="too_deep")


def _check_free(store: Store, code: str) -> None:
    if store.organisations.by_code(code) is not None:
        raise Conflict(f"code {code}: expected one that is free", code="code_taken")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /organisations."""
    routes = APIBlueprint("organisations", __name__, tag="Users")
    _reading(routes, parts)
    _changing(routes, parts)
    return routes


def _reading(routes: APIBlueprint, parts: Parts) -> None:
    @routes.get("/organisations")
    @allow("user", scoped=True)
    @routes.output(OrganisationsOut)
    def organisations() -> OrganisationsOut:
        with parts.database.read() as store:
            own = store.organisations.get(caller().org_id)
            rows = [] if own is None else store.organisations.below(own.path)
        return OrganisationsOut(items=[_out(row, caller().org_id) for row in rows])


def _changing(routes: APIBlueprint, parts: Parts) -> None:
    @routes.post("/organisations")
    @allow("user", "organisation.create", scoped=True)
    @routes.input(OrganisationIn, arg_name="given")
    @routes.output(OrganisationOut, status_code=201)
    def create(given: OrganisationIn) -> dict[str, object]:
        actor, address = caller(), client_address()

        def work(store: Store) -> OrganisationOut:
            parent_id, scope = given.parent_id or actor.org_id, scope_of(store, actor.user_id)
            visible_organisation(store, scope, parent_id, "organisation.create")
            row = add_organisation(store, parent_id, given.name, given.code)
            target = ("organisation", row.org_id)
            store.audit.add("organisation.create", actor_id=actor.user_id, target=target, address=address)
            return _out(row, actor.org_id)

        return once(parts, actor.user_id, "POST /organisations", given, work)[0]

    @routes.patch("/organisations/<ulid:org_id>")
    @allow("user", "organisation.update", scoped=True)
    @routes.input(OrganisationPatch, arg_name="given")
    @routes.output(OrganisationOut)
    def change(org_id: str, given: OrganisationPatch) -> OrganisationOut:
        actor, address = caller(), client_address()

        def work(store: Store) -> OrganisationOut:
            scope = scope_of(store, actor.user_id)
            row = visible_organisation(store, scope, org_id, "organisation.update")
            if given.code is not None and given.code != row.code:
                _check_free(store, given.code)
            row.name, row.code, row.updated_at = given.name or row.name, given.code or row.code, now()
            if given.parent_id is not None and given.parent_id != row.parent_id:
                move_organisation(
                    store, row, visible_organisation(store, scope, given.parent_id, "organisation.update")
                )
            target, detail = ("organisation", org_id), given.model_dump_json(exclude_none=True)
            store.audit.add(
                "organisation.change", actor_id=actor.user_id, target=target, address=address, detail=detail
            )
            return _out(row, actor.org_id)

        return parts.database.run(work)

    @routes.delete("/organisations/<ulid:org_id>")
    @allow("user", "organisation.delete", scoped=True)
    @routes.output({}, status_code=204)
    def remove(org_id: str) -> Response:
        actor_id, address = caller().user_id, client_address()

        def work(store: Store) -> None:
            row = visible_organisation(store, scope_of(store, actor_id), org_id, "organisation.delete")
            remove_organisation(store, row)
            target = ("organisation", org_id)
            store.audit.add("organisation.remove", actor_id=actor_id, target=target, address=address, detail=row.code)

        parts.database.run(work)
        return no_content()


def _out(row: Organisation, own_id: str) -> OrganisationOut:
    return OrganisationOut(
        org_id=row.org_id,
        parent_id=None if row.org_id == own_id else row.parent_id,
        code=row.code,
        name=row.name,
        depth=depth_of(row),
        created_at=row.created_at,
    )
