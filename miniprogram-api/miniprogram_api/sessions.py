"""Login, refresh, logout, and the own account.

Refresh tokens are used once: each use gives the next of its family, and a second use of one revokes the whole family,
because then somebody has a copy. Failed logins are counted by name and by network address, in the database.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from apiflask import APIBlueprint
from flask import Response, make_response, request
from pydantic import BaseModel, Field

from miniprogram_api.access import PREFIX, allow, caller, client_address
from miniprogram_api.adapters.store import Store
from miniprogram_api.parts import Parts
from miniprogram_api.passwords import MAX_PASSWORD_CHARS, checked_password
from miniprogram_api.rules import (
    ADDRESS_FAILURES,
    PERMISSIONS,
    THROTTLE_WINDOW_S,
    USER_FAILURES,
    plain_username,
    throttle_wait_s,
)
from miniprogram_api.shapes import Body, UserOut, user_out
from miniprogram_api.tokens import ACCESS_TTL_S, REFRESH_TTL, AccessToken, new_refresh_token, refresh_hash, sign_access
from shared_kernel.clock import now
from shared_kernel.errors import Invalid, Throttled, Unauthorised, Unavailable
from shared_kernel.messages import new_id
from shared_kernel.tables import AuthSession, LoginThrottle, User, UserCredential

COOKIE: Final = "xunshi_refresh"
_COOKIE_PATH: Final = f"{PREFIX}/auth"
#: Logins of one name wait for each other, so that parallel guessing counts like guessing in a row.
_LANES: Final = tuple(threading.Lock() for _ in range(64))
_LANE_WAIT_S: Final = 10.0


class LoginIn(Body):
    username: str = Field(min_length=1, max_length=128)
    password: str = Field(min_length=1, max_length=MAX_PASSWORD_CHARS)
    client: Literal["browser", "token"] = Field(
        "browser", description="token: the refresh token comes in the body, for clients without cookies"
    )


class RefreshIn(Body):
    refresh_token: str | None = Field(None, max_length=256, description="for clients without cookies")


class SessionOut(BaseModel):
    access_token: str
    expires_in: int = Field(description="seconds")
    user: UserOut
    refresh_token: str | None = Field(None, description="only for clients that asked for it")


class PasswordIn(Body):
    current_password: str = Field(min_length=1, max_length=MAX_PASSWORD_CHARS)
    new_password: str = Field(min_length=1, max_length=1024)


@dataclass(frozen=True)
class Granted:
    """A login that stands, and the token that continues it."""

    user: User
    must_change: bool
    family_id: str
    refresh_token: str


def log_in(parts: Parts, username: str, password: str, address: str) -> Granted:
    """A new login.

    Raises:
        Unauthorised: wrong name or password; one cannot tell which.
        Throttled: too many failures.
    """
    try:
        name = plain_username(username)
    except Invalid:
        name = username.casefold()  # no such user can exist; it must take as long and count as much as any other
    by_user = f"user:{hashlib.sha256(name.encode()).hexdigest()}"
    subjects = {by_user: USER_FAILURES, f"address:{address}": ADDRESS_FAILURES}
    lane = _LANES[int(by_user[5:13], 16) % len(_LANES)]
    if not lane.acquire(timeout=_LANE_WAIT_S):
        raise Unavailable("login", "too many attempts for this name are waiting")
    try:
        return _log_in(parts, name, password, address, subjects)
    finally:
        lane.release()


def _log_in(parts: Parts, name: str, password: str, address: str, subjects: dict[str, int]) -> Granted:
    moment = now()
    with parts.database.read() as store:
        for subject in subjects:
            _refuse_while_blocked(store, subject, moment)
        user = store.users.by_username(name)
        credential = store.users.credential(user.user_id) if user else None
    right = parts.passwords.matches(credential.password_hash if credential else None, password)
    if not right or user is None or credential is None or user.status != "active":
        parts.database.run(lambda store: _count_failure(store, subjects, user, address))
        raise Unauthorised("login: expected a known name with its password", code="login")
    return parts.database.run(
        lambda store: _open_session(store, user.user_id, credential.must_change, address, subjects)
    )


def _refuse_while_blocked(store: Store, subject: str, moment: datetime) -> None:
    throttle = store.throttles.get(subject)
    if throttle is not None and throttle.blocked_until is not None and throttle.blocked_until > moment:
        wait_s = int((throttle.blocked_until - moment).total_seconds()) + 1
        raise Throttled(f"login: too many failures, expected a pause of {wait_s} s", retry_after_s=wait_s)


def _count_failure(store: Store, subjects: dict[str, int], user: User | None, address: str) -> None:
    moment = now()
    for subject, allowed in subjects.items():
        throttle = store.throttles.get(subject, lock=True)
        if throttle is None:
            throttle = LoginThrottle(subject=subject, failed_count=0, window_started_at=moment, updated_at=moment)
            store.throttles.add(throttle)
        elif moment - max(throttle.updated_at, throttle.blocked_until or throttle.updated_at) > _WINDOW:
            throttle.failed_count, throttle.window_started_at = 0, moment
        throttle.failed_count += 1
        throttle.updated_at = moment
        wait_s = throttle_wait_s(throttle.failed_count, allowed)
        throttle.blocked_until = moment + timedelta(seconds=wait_s) if wait_s else None
    target = ("user", user.user_id if user else None)
    store.audit.add("login", actor_id=None, target=target, address=address, outcome="refused")


_WINDOW: Final = timedelta(seconds=THROTTLE_WINDOW_S)


def _open_session(store: Store, user_id: str, must_change: bool, address: str, subjects: dict[str, int]) -> Granted:  # noqa: FBT001
    user = store.users.get(user_id)
    if user is None or user.status != "active":
        raise Unauthorised("login: expected a known name with its password", code="login")
    store.throttles.forget(next(iter(subjects)))  # the name's; a right password says nothing about the address
    moment = now()
    user.last_login_at = moment
    token = _add_token(store, user_id, family_id=new_id(), rotation=0, address=address)
    store.audit.add("login", actor_id=user_id, target=("user", user_id), address=address)
    return Granted(user, must_change, *token)


def _add_token(store: Store, user_id: str, *, family_id: str, rotation: int, address: str) -> tuple[str, str]:
    token, moment = new_refresh_token(), now()
    row = AuthSession(auth_session_id=new_id(), family_id=family_id, user_id=user_id, rotation=rotation)
    row.refresh_hash, row.address = refresh_hash(token), address
    row.created_at, row.expires_at = moment, moment + REFRESH_TTL
    store.auth_sessions.add(row)
    return family_id, token


def renew(parts: Parts, token: str, address: str) -> Granted:
    """The next token of a family.

    Raises:
        Unauthorised: unknown, expired, revoked, or used before: then the whole family ends.
    """
    granted = parts.database.run(lambda store: _renew(store, token, address))
    if granted is None:
        raise Unauthorised("refresh token: expected one that is valid and unused", code="refresh_token")
    return granted


def _renew(store: Store, token: str, address: str) -> Granted | None:
    row, moment = store.auth_sessions.by_hash(refresh_hash(token)), now()
    if row is None or row.revoked_at is not None or row.expires_at <= moment:
        return None
    if row.replaced_at is not None:
        store.auth_sessions.revoke_family(row.family_id, moment)
        detail = f"rotation {row.rotation} was used again"
        target = ("user", row.user_id)
        store.audit.add("refresh.reuse", actor_id=row.user_id, target=target, address=address, detail=detail)
        return None
    user, credential = store.users.get(row.user_id), store.users.credential(row.user_id)
    if user is None or credential is None or user.status != "active":
        return None
    row.replaced_at = moment
    next_token = _add_token(store, row.user_id, family_id=row.family_id, rotation=row.rotation + 1, address=address)
    return Granted(user, credential.must_change, *next_token)


def change_password(parts: Parts, user_id: str, family_id: str, given: PasswordIn) -> None:
    """Set a new password; every other login of the user ends.

    Raises:
        Invalid: the current one is wrong, or the new one is too weak.
    """
    with parts.database.read() as store:
        user, credential = store.users.get(user_id), store.users.credential(user_id)
    if (
        user is None
        or credential is None
        or not parts.passwords.matches(credential.password_hash, given.current_password)
    ):
        raise Invalid.field("current_password", "expected the password in use", code="wrong_password")
    checked_password(given.new_password, user.username)
    if given.new_password == given.current_password:
        raise Invalid.field("new_password", "expected another one than the current")
    encoded = parts.passwords.hash(given.new_password)
    parts.database.run(lambda store: _set_password(store, user_id, encoded, keep_family=family_id))


def _set_password(store: Store, user_id: str, encoded: str, *, keep_family: str) -> None:
    credential = store.users.credential(user_id)
    if credential is not None:
        credential.password_hash, credential.must_change, credential.changed_at = encoded, False, now()
        store.auth_sessions.revoke_user(user_id, now(), except_family=keep_family)
        store.audit.add("password.change", actor_id=user_id, target=("user", user_id), address=client_address())


def new_credential(user_id: str, encoded: str, *, must_change: bool) -> UserCredential:
    return UserCredential(user_id=user_id, password_hash=encoded, must_change=must_change, changed_at=now())


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /auth/* and /me."""
    routes = APIBlueprint("sessions", __name__, tag="Login")

    @routes.post("/auth/login")
    @allow("public")
    @routes.input(LoginIn, arg_name="given")
    @routes.output(SessionOut)
    def login(given: LoginIn) -> Response:
        granted = log_in(parts, given.username, given.password, client_address())
        return _answer(parts, granted, in_body=given.client == "token")

    @routes.post("/auth/refresh")
    @allow("public")
    @routes.input(RefreshIn, arg_name="given")
    @routes.output(SessionOut)
    def refresh(given: RefreshIn) -> Response:
        token = given.refresh_token or request.cookies.get(COOKIE)
        if not token:
            raise Unauthorised("refresh token: expected a cookie or a field, got none", code="refresh_token")
        return _answer(parts, renew(parts, token, client_address()), in_body=given.refresh_token is not None)

    @routes.post("/auth/logout")
    @allow("user", before_password_change=True)
    @routes.output({}, status_code=204)
    def logout() -> Response:
        parts.database.run(lambda store: store.auth_sessions.revoke_family(caller().family_id, now()))
        response = make_response("", 204)
        response.delete_cookie(COOKIE, path=_COOKIE_PATH, httponly=True, samesite="Strict")
        return response

    @routes.get("/me")
    @allow("user", before_password_change=True)
    @routes.output(UserOut)
    def me() -> UserOut:
        with parts.database.read() as store:
            user = store.users.get(caller().user_id)
        if user is None:
            raise Unauthorised("expected a user that exists", code="access_token")
        return user_out(user, must_change=caller().must_change_password)

    @routes.post("/me/password")
    @allow("user", before_password_change=True)
    @routes.input(PasswordIn, arg_name="given")
    @routes.output({}, status_code=204)
    def password(given: PasswordIn) -> tuple[str, int]:
        change_password(parts, caller().user_id, caller().family_id, given)
        return "", 204

    return routes


def _answer(parts: Parts, granted: Granted, *, in_body: bool) -> Response:
    user = granted.user
    permissions = PERMISSIONS[user.role]
    key = parts.settings.jwt_key.get_secret_value()
    access = sign_access(key, AccessToken(user.user_id, granted.family_id), role=user.role, permissions=permissions)
    answer = SessionOut(
        access_token=access,
        expires_in=ACCESS_TTL_S,
        user=user_out(user, must_change=granted.must_change),
        refresh_token=granted.refresh_token if in_body else None,
    )
    response = make_response(answer.model_dump(mode="json", exclude_none=True))
    if not in_body:
        response.set_cookie(
            COOKIE,
            granted.refresh_token,
            max_age=int(REFRESH_TTL.total_seconds()),
            path=_COOKIE_PATH,
            httponly=True,
            samesite="Strict",
            secure=request.is_secure,
        )
    return response
