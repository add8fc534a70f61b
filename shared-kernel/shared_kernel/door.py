"""Who may come in: another service with the service token, or a user whose permission miniprogram-api confirms.

The API is asked each time (and remembered for a moment), because a right that was withdrawn must not live on in a
token. When it does not answer nobody comes in. For services that know no users themselves.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

from pydantic import BaseModel, ValidationError

from shared_kernel.errors import Forbidden, Unauthorised
from shared_kernel.internal_api import InternalApi

#: The user id of another service of this installation.
SERVICE_USER: Final = "service"
#: Nobody is asked about again within this time, seconds.
REMEMBER_S: Final = 2.0
#: A call takes no longer than this: a withdrawn right closes a socket within five seconds.
TIMEOUT_S: Final = 2.0
_MAX_REMEMBERED: Final = 10_000


class Known(BaseModel):
    """A user, and what this user may do now."""

    user_id: str
    username: str = ""
    permissions: frozenset[str]
    #: Cameras whose pictures the user may see; None: all of them.
    cameras: frozenset[str] | None = frozenset()


class Users(Protocol):
    """miniprogram-api, which knows users and their rights.

    Raises (every method):
        Unavailable: the API does not answer.
    """

    def known(self, access_token: str) -> Known:
        """Say whom a token names.

        Raises:
            Unauthorised: nobody.
        """
        ...

    def of(self, user_id: str) -> Known:
        """Say what a user may do now; a stranger, and one who was disabled, nothing."""
        ...

    def holders(self, permission: str, user_ids: Iterable[str]) -> frozenset[str]:
        """Say which of these users hold the permission now."""
        ...


class _Several(BaseModel):
    items: list[Known]


class _Holders(BaseModel):
    user_ids: frozenset[str]


class _Refusal(BaseModel):
    type: str = ""


class HttpUsers:
    """`Users` over HTTP. Thread safe."""

    def __init__(self, base_url: str, service_token: str) -> None:
        self._api = InternalApi(base_url, service_token, TIMEOUT_S)

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()

    def known(self, access_token: str) -> Known:
        """See `Users`."""
        return self._api.ask(Known, "POST", "callers", {"access_token": access_token}, _refusal)

    def of(self, user_id: str) -> Known:
        """See `Users`."""
        found = self._api.ask(_Several, "POST", "users", {"user_ids": [user_id]}, _refusal).items
        return found[0] if found else Known(user_id=user_id, permissions=frozenset())

    def holders(self, permission: str, user_ids: Iterable[str]) -> frozenset[str]:
        """See `Users`."""
        body = {"permission": permission, "user_ids": sorted(user_ids)}
        return self._api.ask(_Holders, "POST", "holders", body, _refusal).user_ids


def _refusal(status: int, content: bytes) -> Unauthorised | None:
    if status == HTTPStatus.UNAUTHORIZED and _names_token(content):
        return Unauthorised("access token: expected one of a login that still stands", code="access_token")
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return Unauthorised("access token: expected a valid one, got none", code="access_token")
    return None


def _names_token(content: bytes) -> bool:
    """Tell a wrong access token from a wrong service token, which is this installation's fault."""
    try:
        return _Refusal.model_validate_json(content).type == "#access_token"
    except ValidationError:
        return False


@dataclass(frozen=True)
class Caller:
    """Who came in, and what this caller may do. Another service may do and see everything."""

    user_id: str
    username: str = ""
    permissions: frozenset[str] = frozenset()
    cameras: frozenset[str] | None = frozenset()

    @property
    def is_service(self) -> bool:
        """Whether it is another service, whose rights do not change."""
        return self.user_id == SERVICE_USER

    def may(self, permission: str) -> bool:
        """Tell whether the caller holds a permission."""
        return self.is_service or permission in self.permissions

    def sees(self, camera_id: str) -> bool:
        """Tell whether the caller may see what belongs to a camera."""
        return self.cameras is None or camera_id in self.cameras


_SERVICE: Final = Caller(SERVICE_USER, cameras=None)


class Door:
    """Thread safe."""

    def __init__(self, users: Users, service_token: str) -> None:
        self._users = users
        self._service_token = service_token.encode()
        self._by_token: dict[str, tuple[float, Caller]] = {}
        self._by_id: dict[str, tuple[float, Caller]] = {}
        self._lock = threading.Lock()

    def enter(self, authorization: str | None, permission: str) -> Caller:
        """Let in whom the header `Authorization` names.

        Raises:
            Unauthorised: nobody.
            Forbidden: a user without the permission, or one who must change the password first.
            Unavailable: the API does not answer.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthorised("access token: expected the header Authorization: Bearer …", code="access_token")
        if hmac.compare_digest(token.encode("utf-8", "surrogatepass"), self._service_token):
            return _SERVICE
        caller = self._remembered(self._by_token, token)
        if caller is None:
            caller = _caller(self._users.known(token))
            self._remember(self._by_token, token, caller)
        if not caller.may(permission):
            raise Forbidden(f"expected the permission {permission}", code="permission")
        return caller

    def readmit(self, user_id: str, permission: str) -> Caller:
        """Let in a user whose ticket was found valid, if the permission still stands.

        Raises:
            Forbidden: not any more.
            Unavailable: the API does not answer.
        """
        caller = self._as_now(user_id)
        if not caller.may(permission):
            raise Forbidden(f"expected the permission {permission}", code="withdrawn")
        return caller

    def name(self, user_id: str) -> str | None:
        """Say what a user is called; None of one who is gone or disabled, and of another service.

        Raises:
            Unavailable: the API does not answer.
        """
        return self._as_now(user_id).username or None

    def _as_now(self, user_id: str) -> Caller:
        if user_id == SERVICE_USER:
            return _SERVICE
        caller = self._remembered(self._by_id, user_id)
        if caller is None:
            caller = _caller(self._users.of(user_id))
            self._remember(self._by_id, user_id, caller)
        return caller

    def holders(self, permission: str, user_ids: Iterable[str]) -> frozenset[str]:
        """Say which of these still hold the permission; services always do.

        Raises:
            Unavailable: the API does not answer.
        """
        asked = frozenset(user_ids)
        users = asked - {SERVICE_USER}
        return (self._users.holders(permission, users) if users else frozenset()) | (asked & {SERVICE_USER})

    def _remembered(self, known: dict[str, tuple[float, Caller]], key: str) -> Caller | None:
        with self._lock:
            asked_s, caller = known.get(key, (-REMEMBER_S, None))
        return caller if time.monotonic() - asked_s < REMEMBER_S else None

    def _remember(self, known: dict[str, tuple[float, Caller]], key: str, caller: Caller) -> None:
        with self._lock:
            if len(known) >= _MAX_REMEMBERED:
                known.clear()
            known[key] = time.monotonic(), caller


def _caller(known: Known) -> Caller:
    return Caller(known.user_id, known.username, known.permissions, known.cameras)
