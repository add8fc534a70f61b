"""Roles: what people are, what they may do, and how far the map reaches for them.

Nobody gives what they do not hold: neither a permission nor a rank, by no route. The administrator stays as it is.
"""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from miniprogram_api.access import allow, caller, no_content
from miniprogram_api.adapters.store import Store
from miniprogram_api.idempotency import once
from miniprogram_api.parts import Parts
from miniprogram_api.permissions import ADMINISTRATOR, Permission, checked, in_order, kept, permissions_of
from miniprogram_api.rights import Scope, decide, scope_of, visible_organisation, visible_role
from miniprogram_api.rights import Thing as Place
from shared_kernel.clock import now
from shared_kernel.errors import Conflict, Forbidden, Invalid
from shared_kernel.shapes import Body, Line, Ulid
from shared_kernel.tables import Role
from shared_kernel.web import client_address

#: More would be a mistake of a script.
MAX_ROLES: Final = 200
_CODE: Final = r"^[a-z][a-z0-9_]{1,31}$"


class RoleIn(Body):
    code: str = Field(pattern=_CODE, description="short name; never changes")
    name: Line = Field(min_length=1, max_length=64, description="what people call it")
    rank: int = Field(ge=1, le=100, description="at most that of who makes it")
    patrol_radius_m: int = Field(ge=1, le=1_000_000, description="how far around one the map shows cameras, metres")
    permissions: list[str] = Field(max_length=200, description="names of permissions that the caller holds")
    org_id: Ulid | None = Field(None, description="whose people may have it; null: those of the caller's organisation")


class RolePatch(Body):
    name: Line | None = Field(None, min_length=1, max_length=64)
    rank: int | None = Field(None, ge=1, le=100)
    patrol_radius_m: int | None = Field(None, ge=1, le=1_000_000)
    permissions: list[str] | None = Field(
        None, max_length=200, description="null, of a built-in role: what the release gives to it"
    )


class RoleOut(BaseModel):
    code: str
    name: str
    rank: int
    patrol_radius_m: int
    permissions: list[Permission]
    built_in: bool
    org_id: str
    changeable: bool = Field(description="whether the caller may change it")


class RolesOut(BaseModel):
    items: list[RoleOut]


def check_givable(scope: Scope, rank: int, permissions: frozenset[Permission]) -> None:
    """Raises: Forbidden: more than this user holds."""
    if rank > scope.rank:
        raise Forbidden(f"rank: expected at most the own one, {scope.rank}, got {rank}", code="rank")
    missing = in_order(permissions - scope.permissions)
    if missing:
        raise Forbidden(f"permissions: expected ones that you hold, got {missing[0]}", code="more_than_own")


def check_role_givable(scope: Scope, role: Role) -> None:
    """Raises: Forbidden: whoever had the role would be more than this user."""
    check_givable(scope, role.rank_no, permissions_of(role))


def change_role(scope: Scope, role: Role, given: RolePatch) -> None:
    """Change what the request names.

    Raises:
        Conflict: the administrator, or the rank of a built-in role.
        Forbidden: it is, or would be, more than this user.
        Invalid: an unknown permission, or none where there must be some.
    """
    if role.code == ADMINISTRATOR:
        raise Conflict(f"role {role.code}: expected another one, it stays as it is", code="built_in")
    if role.built_in and given.rank not in (None, role.rank_no):
        raise Conflict(f"role {role.code}: expected its rank to stay {role.rank_no}", code="built_in")
    check_role_givable(scope, role)
    if "permissions" in given.model_fields_set:
        if given.permissions is None and not role.built_in:
            raise Invalid.field("permissions", "expected a list, got null: the role is not built in")
        role.permissions = None if given.permissions is None else kept(checked(given.permissions))
    role.name = given.name or role.name
    role.rank_no = given.rank or role.rank_no
    role.patrol_radius_m = given.patrol_radius_m or role.patrol_radius_m
    role.updated_at = now()
    check_role_givable(scope, role)


def new_role(store: Store, scope: Scope, given: RoleIn, org_id: str) -> Role:
    """Raises: Conflict, Forbidden, Invalid, NotFound."""
    visible_organisation(store, scope, org_id, "role.create")
    permissions = checked(given.permissions)
    check_givable(scope, given.rank, permissions)
    if store.roles.get(given.code) is not None:
        raise Conflict(f"role {given.code}: expected a code that is free", code="code_taken")
    if len(store.roles.all()) >= MAX_ROLES:
        raise Conflict(f"roles: expected at most {MAX_ROLES}", code="too_many_roles")
    moment = now()
    role = Role(code=given.code, org_id=org_id, name=given.name, rank_no=given.rank, permissions=kept(permissions))
    role.patrol_radius_m, role.built_in = given.patrol_radius_m, False
    role.created_at = role.updated_at = moment
    store.roles.add(role)
    return role


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /roles."""
    routes = APIBlueprint("roles", __name__, tag="Users")
    _reading(routes, parts)
    _changing(routes, parts)
    return routes


def _reading(routes: APIBlueprint, parts: Parts) -> None:
    @routes.get("/roles")
    @allow("user", scoped=True)
    @routes.output(RolesOut)
    def roles() -> RolesOut:
        with parts.database.read() as store:
            scope = scope_of(store, caller().user_id)
            shown = [_out(scope, role) for role in store.roles.all() if decide(scope, None, _place(role))]
        return RolesOut(items=shown)


def _changing(routes: APIBlueprint, parts: Parts) -> None:
    @routes.post("/roles")
    @allow("user", "role.create", scoped=True)
    @routes.input(RoleIn, arg_name="given")
    @routes.output(RoleOut, status_code=201)
    def create(given: RoleIn) -> dict[str, object]:
        actor, address = caller(), client_address()

        def work(store: Store) -> RoleOut:
            scope = scope_of(store, actor.user_id)
            role = new_role(store, scope, given, given.org_id or actor.org_id)
            store.audit.add(
                "role.create", actor_id=actor.user_id, target=("role", None), address=address, detail=role.code
            )
            return _out(scope, role)

        return once(parts, actor.user_id, "POST /roles", given, work)[0]

    @routes.patch("/roles/<string:code>")
    @allow("user", "role.update", scoped=True)
    @routes.input(RolePatch, arg_name="given")
    @routes.output(RoleOut)
    def change(code: str, given: RolePatch) -> RoleOut:
        actor_id, address = caller().user_id, client_address()

        def work(store: Store) -> RoleOut:
            scope = scope_of(store, actor_id)
            role = visible_role(store, scope, code, "role.update")
            change_role(scope, role, given)
            detail = f"{code} {given.model_dump_json(exclude_unset=True)}"[:500]
            store.audit.add("role.change", actor_id=actor_id, target=("role", None), address=address, detail=detail)
            return _out(scope, role)

        return parts.database.run(work)

    @routes.delete("/roles/<string:code>")
    @allow("user", "role.delete", scoped=True)
    @routes.output({}, status_code=204)
    def remove(code: str) -> Response:
        actor_id, address = caller().user_id, client_address()

        def work(store: Store) -> None:
            scope = scope_of(store, actor_id)
            role = visible_role(store, scope, code, "role.delete")
            if role.built_in:
                raise Conflict(f"role {code}: expected one that is not built in", code="built_in")
            check_role_givable(scope, role)
            if store.roles.is_held(code):
                raise Conflict(f"role {code}: expected one that nobody has", code="role_in_use")
            store.roles.remove(role)
            store.audit.add("role.remove", actor_id=actor_id, target=("role", None), address=address, detail=code)

        parts.database.run(work)
        return no_content()


def _place(role: Role) -> Place:
    return Place("role", org_id=role.org_id)


def _out(scope: Scope, role: Role) -> RoleOut:
    permissions = permissions_of(role)
    own = role.rank_no <= scope.rank and permissions <= scope.permissions
    return RoleOut(
        code=role.code,
        name=role.name,
        rank=role.rank_no,
        patrol_radius_m=role.patrol_radius_m,
        permissions=in_order(permissions),
        built_in=role.built_in,
        org_id=role.org_id,
        changeable=own and role.code != ADMINISTRATOR and decide(scope, "role.update", _place(role)),
    )
