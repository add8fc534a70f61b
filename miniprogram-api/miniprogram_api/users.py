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
from miniprogram_api.rules import Role, plain_username
from miniprogram_api.shapes import UserOut, user_out
from shared_kernel.clock import now
from shared_kernel.cursors import id_cursor, read_id_cursor
from shared_kernel.errors import Conflict, NotFound
from shared_kernel.messages import Moment, new_id
from shared_kernel.shapes import Body, Line, PageQuery
from shared_kernel.tables import User
from shared_kernel.web import client_address


class UserIn(Body):
    username: str = Field(min_length=2, max_length=64)
    display_name: Line | None = Field(None, min_length=1, max_length=64)
    role: Role
    password: str = Field(min_length=1, max_length=1024, description="the user has to change it at the first login")


class UserPatch(Body):
    display_name: Line | None = Field(None, min_length=1, max_length=64)
    role: Role | None = None
    status: Literal["active", "disabled"] | None = None


class ListedUser(UserOut):
    status: Literal["active", "disabled"]
    created_at: Moment
    last_login_at: Moment | None


class ListedUsers(BaseModel):
    items: list[ListedUser]
    next: str | None = Field(description="`after` of the next page; null on the last")


def create_user(store: Store, username: str, role: str, encoded: str, *, display_name: str | None = None) -> User:
    """A new active user whose password (given as its hash) must be changed at the first login.

    Raises:
        Conflict: the name is taken.
        Invalid: the name is no name.
    """
    name = plain_username(username)
    if store.users.by_username(name) is not None:
        raise Conflict(f"username {name}: expected one that is free", code="username_taken")
    user = User(user_id=new_id(), username=name, display_name=display_name or username.strip()[:64], role=role)
    user.status, user.created_at = "active", now()
    store.users.add(user, new_credential(user.user_id, encoded, must_change=True))
    return user


def change_user(store: Store, user: User, *, role: str | None = None, status: str | None = None) -> None:
    """Another role or status. A disabled user's logins end.

    Raises:
        Conflict: no active administrator would be left.
    """
    loses = (role or user.role) != "administrator" or (status or user.status) != "active"
    if user.role == "administrator" and user.status == "active" and loses and store.users.active_administrators() < 2:  # noqa: PLR2004
        raise Conflict("expected at least one active administrator to be left", code="last_administrator")
    user.role, user.status = role or user.role, status or user.status
    if user.status == "disabled":
        store.auth_sessions.revoke_user(user.user_id, now())


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /users."""
    routes = APIBlueprint("users", __name__, tag="Users")

    @routes.get("/users")
    @allow("user", "user.manage")
    @routes.input(PageQuery, location="query", arg_name="query")
    @routes.output(ListedUsers)
    def users(query: PageQuery) -> ListedUsers:
        after = read_id_cursor(query.after) if query.after is not None else None
        with parts.database.read() as store:
            rows = store.users.page(after, query.limit + 1)
            shown = [_listed(store, user) for user in rows[: query.limit]]
        return ListedUsers(items=shown, next=id_cursor(shown[-1].user_id) if len(rows) > query.limit else None)

    @routes.post("/users")
    @allow("user", "user.manage")
    @routes.input(UserIn, arg_name="given")
    @routes.output(ListedUser, status_code=201)
    def create(given: UserIn) -> dict[str, object]:
        actor_id, address = caller().user_id, client_address()
        checked_password(given.password, plain_username(given.username), field="password")
        encoded = parts.passwords.hash(given.password)

        def work(store: Store) -> ListedUser:
            user = create_user(store, given.username, given.role, encoded, display_name=given.display_name)
            target = ("user", user.user_id)
            store.audit.add("user.create", actor_id=actor_id, target=target, address=address, detail=given.role)
            return _listed(store, user)

        return once(parts, actor_id, "POST /users", given, work)[0]

    @routes.patch("/users/<ulid:user_id>")
    @allow("user", "user.manage")
    @routes.input(UserPatch, arg_name="given")
    @routes.output(ListedUser)
    def change(user_id: str, given: UserPatch) -> ListedUser:
        actor_id, address = caller().user_id, client_address()

        def work(store: Store) -> ListedUser:
            user = store.users.get(user_id)
            if user is None:
                raise NotFound(f"user {user_id}: expected one that exists, found none", code="no_user")
            change_user(store, user, role=given.role, status=given.status)
            user.display_name = given.display_name or user.display_name
            detail = given.model_dump_json(exclude_none=True)
            target = ("user", user_id)
            store.audit.add("user.change", actor_id=actor_id, target=target, address=address, detail=detail)
            return _listed(store, user)

        return parts.database.run(work)

    return routes


def _listed(store: Store, user: User) -> ListedUser:
    credential = store.users.credential(user.user_id)
    shown = user_out(user, must_change=credential is not None and credential.must_change)
    return ListedUser(
        **shown.model_dump(),
        status="active" if user.status == "active" else "disabled",
        created_at=user.created_at,
        last_login_at=user.last_login_at,
    )
