"""Users: who may log in, and as what."""

from __future__ import annotations

from typing import Literal

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from miniprogram_api.access import allow, caller
from miniprogram_api.adapters.store import Store
from miniprogram_api.idempotency import once
from miniprogram_api.logins import new_credential
from miniprogram_api.parts import Parts
from miniprogram_api.passwords import checked_password
from miniprogram_api.permissions import ADMINISTRATOR
from miniprogram_api.rights import Scope, Thing, decide, scope_of, visible_organisation, visible_user
from miniprogram_api.roles import check_givable, check_role_givable
from miniprogram_api.rules import plain_username
from miniprogram_api.shapes import UserOut, user_out
from shared_kernel.clock import now
from shared_kernel.cursors import id_cursor, read_id_cursor
from shared_kernel.errors import Conflict, Forbidden, Invalid
from shared_kernel.messages import Moment, new_id
from shared_kernel.shapes import Body, Line, PageQuery, Ulid
from shared_kernel.tables import ROOT_ORG_ID, Role, User
from shared_kernel.web import client_address


class UserIn(Body):
    username: str = Field(min_length=2, max_length=64)
    display_name: Line | None = Field(None, min_length=1, max_length=64)
    role: str = Field(max_length=32, description="code of a role that is not more than the caller's")
    org_id: Ulid | None = Field(None, description="whose; null: the caller's organisation")
    password: str = Field(min_length=1, max_length=1024, description="the user has to change it at the first login")


class UserPatch(Body):
    display_name: Line | None = Field(None, min_length=1, max_length=64)
    role: str | None = Field(None, max_length=32, description="code of a role that is not more than the caller's")
    org_id: Ulid | None = Field(None, description="move the user to this organisation")
    status: Literal["active", "disabled"] | None = None


class ListedUser(UserOut):
    status: Literal["active", "disabled"]
    created_at: Moment
    last_login_at: Moment | None


class ListedUsers(BaseModel):
    items: list[ListedUser]
    next: str | None = Field(description="`after` of the next page; null on the last")


def create_user(
    store: Store,
    username: str,
    role: str,
    encoded: str,
    *,
    display_name: str | None = None,
    org_id: str = ROOT_ORG_ID,
) -> User:
    """A new active user whose password (given as its hash) must be changed at the first login.

    Raises:
        Conflict: the name is taken.
        Invalid: the name is no name, or there is no such role.
    """
    name = plain_username(username)
    check_suits(store, role, org_id)
    if store.users.by_username(name) is not None:
        raise Conflict(f"username {name}: expected one that is free", code="username_taken")
    user = User(user_id=new_id(), username=name, display_name=display_name or username.strip()[:64], role=role)
    user.org_id = org_id
    user.status, user.created_at = "active", now()
    store.users.add(user, new_credential(user.user_id, encoded, must_change=True))
    return user


def existing_role(store: Store, code: str) -> Role:
    """Raises: Invalid: no such role."""
    role = store.roles.get(code)
    if role is None:
        codes = ", ".join(one.code for one in store.roles.all())
        raise Invalid.field("role", f"expected one of {codes}, got {code[:40]!r}")
    return role


def check_suits(store: Store, code: str, org_id: str) -> Role:
    """The role, if people of this organisation may have it.

    Raises:
        Invalid: no such role, or not for them.
    """
    role, place = existing_role(store, code), store.organisations.get(org_id)
    if place is None or role.org_id not in place.path.split("/"):
        raise Invalid.field("role", f"expected one for people of that organisation, got {code!r}")
    return role


def change_user(
    store: Store, user: User, *, role: str | None = None, status: str | None = None, org_id: str | None = None
) -> None:
    """Another role, status or organisation. A disabled user's logins end.

    Raises:
        Conflict: no active administrator of the whole would be left.
        Invalid: no such role, or not for people of that organisation.
    """
    check_suits(store, role or user.role, org_id or user.org_id)
    after = (role or user.role, status or user.status, org_id or user.org_id)
    needed = (ADMINISTRATOR, "active", ROOT_ORG_ID)
    if (user.role, user.status, user.org_id) == needed != after:
        store.roles.get(ADMINISTRATOR, lock=True)  # two who take it from each other wait for one another
        if store.users.active_administrators() < 2:  # noqa: PLR2004 - this one and another
            raise Conflict("expected at least one active administrator to be left", code="last_administrator")
    user.role, user.status, user.org_id = after
    user.updated_at = now()
    if user.status == "disabled":
        store.auth_sessions.revoke_user(user.user_id, now())


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /users."""
    routes = APIBlueprint("users", __name__, tag="Users")
    _reading(routes, parts)
    _changing(routes, parts)
    return routes


def _reading(routes: APIBlueprint, parts: Parts) -> None:
    @routes.get("/users")
    @allow("user", "user.read", scoped=True)
    @routes.input(PageQuery, location="query", arg_name="query")
    @routes.output(ListedUsers)
    def users(query: PageQuery) -> ListedUsers:
        after = read_id_cursor(query.after) if query.after is not None else None
        with parts.database.read() as store:
            scope = scope_of(store, caller().user_id)
            rows = store.users.page(after, query.limit + 1, scope.below)
            shown = [_listed(store, user) for user in rows[: query.limit]]
        return ListedUsers(items=shown, next=id_cursor(shown[-1].user_id) if len(rows) > query.limit else None)


def _changing(routes: APIBlueprint, parts: Parts) -> None:
    @routes.post("/users")
    @allow("user", "user.create", scoped=True)
    @routes.input(UserIn, arg_name="given")
    @routes.output(ListedUser, status_code=201)
    def create(given: UserIn) -> dict[str, object]:
        actor_id, address, own_org_id = caller().user_id, client_address(), caller().org_id
        checked_password(given.password, plain_username(given.username), field="password")
        encoded = parts.passwords.hash(given.password)

        def work(store: Store) -> ListedUser:
            scope, org_id = scope_of(store, actor_id), given.org_id or own_org_id
            visible_organisation(store, scope, org_id, "user.create")
            check_place(store, scope, given.role, org_id)
            name, shown = given.username, given.display_name
            user = create_user(store, name, given.role, encoded, display_name=shown, org_id=org_id)
            target = ("user", user.user_id)
            store.audit.add("user.create", actor_id=actor_id, target=target, address=address, detail=given.role)
            return _listed(store, user)

        return once(parts, actor_id, "POST /users", given, work)[0]

    @routes.patch("/users/<ulid:user_id>")
    @allow("user", "user.update", scoped=True)
    @routes.input(UserPatch, arg_name="given")
    @routes.output(ListedUser)
    def change(user_id: str, given: UserPatch) -> ListedUser:
        actor_id, address = caller().user_id, client_address()

        def work(store: Store) -> ListedUser:
            scope = scope_of(store, actor_id)
            user = visible_user(store, scope, user_id, "user.update", lock=True)
            _check_change(store, scope, user, given)
            change_user(store, user, role=given.role, status=given.status, org_id=given.org_id)
            user.display_name = given.display_name or user.display_name
            detail = given.model_dump_json(exclude_none=True)
            target = ("user", user_id)
            store.audit.add("user.change", actor_id=actor_id, target=target, address=address, detail=detail)
            return _listed(store, user)

        return parts.database.run(work)


def check_place(store: Store, scope: Scope, code: str, org_id: str) -> None:
    """Whether this user may make somebody of the organisation `org_id` have the role `code`.

    Raises:
        Invalid: no such role, or not for people of that organisation.
        Forbidden: the role is more than this user's.
    """
    check_role_givable(scope, check_suits(store, code, org_id))


def _check_change(store: Store, scope: Scope, user: User, given: UserPatch) -> None:
    """Raises: Forbidden, Invalid or NotFound: more than this user may do."""
    check_givable(scope, existing_role(store, user.role).rank_no, frozenset())
    if given.status is not None and not decide(scope, "user.delete", Thing("user", org_id=user.org_id)):
        raise Forbidden("expected the permission user.delete", code="permission")
    if given.org_id is not None:
        visible_organisation(store, scope, given.org_id, "user.update")
    if given.role is not None or given.org_id is not None:
        check_place(store, scope, given.role or user.role, given.org_id or user.org_id)


def _listed(store: Store, user: User) -> ListedUser:
    credential = store.users.credential(user.user_id)
    shown = user_out(
        user, existing_role(store, user.role), must_change=credential is not None and credential.must_change
    )
    return ListedUser(
        **shown.model_dump(),
        status="active" if user.status == "active" else "disabled",
        created_at=user.created_at,
        last_login_at=user.last_login_at,
    )
