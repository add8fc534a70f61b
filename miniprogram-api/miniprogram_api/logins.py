"""Logins: password checks with their throttle, refresh tokens that are used once, password changes.

Refresh tokens: each use gives the next of its family, and a second use of one revokes the whole family, because then
somebody has a copy. Wrong passwords are counted by name and by network address, in the database.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from miniprogram_api.adapters.store import Store
from miniprogram_api.parts import Parts
from miniprogram_api.passwords import checked_password
from miniprogram_api.rules import (
    ADDRESS_FAILURES,
    THROTTLE_WINDOW_S,
    USER_FAILURES,
    neighbourhood,
    plain_username,
    throttle_wait_s,
)
from miniprogram_api.tokens import REFRESH_TTL, new_refresh_token, refresh_hash
from shared_kernel.clock import now
from shared_kernel.errors import Invalid, Throttled, Unauthorised, Unavailable
from shared_kernel.messages import new_id
from shared_kernel.tables import AuthSession, LoginThrottle, Role, User, UserCredential

#: Checks of one name wait for each other, so that parallel guessing counts like guessing in a row.
_LANES: Final = tuple(threading.Lock() for _ in range(64))
_LANE_WAIT_S: Final = 10.0
_WINDOW: Final = timedelta(seconds=THROTTLE_WINDOW_S)


@dataclass(frozen=True)
class Granted:
    """A login that stands, and the token that continues it."""

    user: User
    role: Role
    must_change: bool
    family_id: str
    refresh_token: str


def log_in(parts: Parts, username: str, password: str, address: str) -> Granted:
    """A new login.

    Raises:
        Unauthorised: wrong name or password, or a disabled user; one cannot tell which.
        Throttled: too many wrong passwords.
    """
    try:
        name = plain_username(username)
    except Invalid:
        name = username.casefold()  # no such user can exist; it must take as long and count as much as any other
    user = _checked(parts, name, password, address)
    if user is None:
        raise Unauthorised("login: expected a known name with its password", code="login")
    return parts.database.run(lambda store: _open_session(store, user.user_id, address))


def renew(parts: Parts, token: str, address: str) -> Granted:
    """The next token of a family.

    Raises:
        Unauthorised: unknown, expired, revoked, or used before: then the whole family ends.
    """
    granted = parts.database.run(lambda store: _renew(store, token, address))
    if granted is None:
        raise Unauthorised("refresh token: expected one that is valid and unused", code="refresh_token")
    return granted


def change_password(parts: Parts, family_id: str, username: str, current: str, new: str, *, address: str) -> None:
    """Set a new password; every other login of the user ends.

    Raises:
        Invalid: the current one is wrong, or the new one is too weak.
        Throttled: too many wrong passwords.
    """
    checked_password(new, username)
    if new == current:
        raise Invalid.field("new_password", "expected another one than the current")
    user = _checked(parts, username, current, address)
    if user is None:
        raise Invalid.field("current_password", "expected the password in use", code="wrong_password")
    encoded = parts.passwords.hash(new)

    def work(store: Store) -> None:
        credential = store.users.credential(user.user_id)
        if credential is not None:
            credential.password_hash, credential.must_change, credential.changed_at = encoded, False, now()
        store.auth_sessions.revoke_user(user.user_id, now(), except_family=family_id)
        store.audit.add("password.change", actor_id=user.user_id, target=("user", user.user_id), address=address)

    parts.database.run(work)


def new_credential(user_id: str, encoded: str, *, must_change: bool) -> UserCredential:
    """The row of a password that was hashed just now."""
    return UserCredential(user_id=user_id, password_hash=encoded, must_change=must_change, changed_at=now())


def _checked(parts: Parts, name: str, password: str, address: str) -> User | None:
    """The active user of that name if the password is right; a wrong one is counted."""
    by_name = f"user:{hashlib.sha256(name.encode()).hexdigest()}"
    subjects = {by_name: USER_FAILURES, f"address:{neighbourhood(address)}": ADDRESS_FAILURES}
    lane = _LANES[int(by_name[5:13], 16) % len(_LANES)]
    if not lane.acquire(timeout=_LANE_WAIT_S):
        raise Unavailable("login", "too many attempts for this name are waiting")
    try:
        with parts.database.read() as store:
            for subject in subjects:
                _refuse_while_blocked(store.throttles.get(subject))
            user = store.users.by_username(name)
            credential = store.users.credential(user.user_id) if user else None
        right = parts.passwords.matches(credential.password_hash if credential else None, password)
        if right and user is not None and user.status == "active":
            parts.database.run(lambda store: store.throttles.forget(by_name))
            return user
        parts.database.run(lambda store: _count_failure(store, subjects, user, address))
        return None
    finally:
        lane.release()


def _refuse_while_blocked(throttle: LoginThrottle | None) -> None:
    moment = now()
    if throttle is not None and throttle.blocked_until is not None and throttle.blocked_until > moment:
        wait_s = int((throttle.blocked_until - moment).total_seconds()) + 1
        raise Throttled(f"login: too many wrong passwords, expected a pause of {wait_s} s", retry_after_s=wait_s)


def _count_failure(store: Store, subjects: dict[str, int], user: User | None, address: str) -> None:
    moment = now()
    for subject, allowed in subjects.items():
        throttle = store.throttles.get(subject, lock=True)
        if throttle is None:
            throttle = LoginThrottle(subject=subject, failed_count=0, window_started_at=moment, updated_at=moment)
            store.throttles.add(throttle)
        elif moment - (throttle.blocked_until or throttle.updated_at) > _WINDOW:
            throttle.failed_count, throttle.window_started_at = 0, moment
        throttle.failed_count += 1
        throttle.updated_at = moment
        wait_s = throttle_wait_s(throttle.failed_count, allowed)
        throttle.blocked_until = moment + timedelta(seconds=wait_s) if wait_s else None
    target = ("user", user.user_id if user else None)
    store.audit.add("login", actor_id=None, target=target, address=address, outcome="refused")


def _open_session(store: Store, user_id: str, address: str) -> Granted:
    user, credential, role = _active(store, user_id)
    if user is None or credential is None or role is None:
        raise Unauthorised("login: expected a known name with its password", code="login")
    user.last_login_at = now()
    token = _add_token(store, user_id, family_id=new_id(), rotation=0, address=address)
    store.audit.add("login", actor_id=user_id, target=("user", user_id), address=address)
    return Granted(user, role, credential.must_change, *token)


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
    user, credential, role = _active(store, row.user_id)
    if user is None or credential is None or role is None:
        return None
    row.replaced_at = moment
    following = _add_token(store, row.user_id, family_id=row.family_id, rotation=row.rotation + 1, address=address)
    return Granted(user, role, credential.must_change, *following)


def _active(store: Store, user_id: str) -> tuple[User | None, UserCredential | None, Role | None]:
    user = store.users.get(user_id)
    if user is None or user.status != "active":
        return None, None, None
    return user, store.users.credential(user_id), store.roles.get(user.role)


def _add_token(store: Store, user_id: str, *, family_id: str, rotation: int, address: str) -> tuple[str, str]:
    """(family id, token) of a new refresh token."""
    token: str = new_refresh_token()
    moment: datetime = now()
    row = AuthSession(auth_session_id=new_id(), family_id=family_id, user_id=user_id, rotation=rotation)
    row.refresh_hash, row.address = refresh_hash(token), address
    row.created_at, row.expires_at = moment, moment + REFRESH_TTL
    store.auth_sessions.add(row)
    return family_id, token
