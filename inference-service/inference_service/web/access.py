"""Who may come in: another service with the service token, or a user whose permission miniprogram-api confirms.

The API is asked each time (and remembered for a moment), because a right that was withdrawn must not live on in a
token. When it does not answer nobody comes in.
"""

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

#: What a user needs for everything that analyses pictures.
PERMISSION: Final = "photo.detect"
#: The user id of another service of this installation.
SERVICE_USER: Final = "service"
#: A token is not asked about again within this time, seconds.
REMEMBER_S: Final = 2.0
#: A call takes no longer than this: a withdrawn right closes a socket within five seconds.
TIMEOUT_S: Final = 2.0
_MAX_REMEMBERED: Final = 10_000


class Known(BaseModel):
    """Whom an access token names, and what this user may do now."""

    user_id: str
    permissions: frozenset[str]


class Users(Protocol):
    """miniprogram-api, which knows users and their rights."""

    def known(self, access_token: str) -> Known:
        """Say whom a token names.

        Raises:
            Unauthorised: nobody.
            Unavailable: the API does not answer.
        """
        ...

    def holders(self, user_ids: Iterable[str]) -> frozenset[str]:
        """Say which of these users hold `PERMISSION` now.

        Raises:
            Unavailable: the API does not answer.
        """
        ...


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

    def holders(self, user_ids: Iterable[str]) -> frozenset[str]:
        """See `Users`."""
        body = {"permission": PERMISSION, "user_ids": sorted(user_ids)}
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
    """Who came in."""

    user_id: str

    @property
    def is_service(self) -> bool:
        """Whether it is another service, whose rights do not change."""
        return self.user_id == SERVICE_USER


class Door:
    """Thread safe."""

    def __init__(self, users: Users, service_token: str) -> None:
        self._users = users
        self._service_token = service_token.encode()
        self._remembered: dict[str, tuple[float, Caller]] = {}
        self._held: dict[str, float] = {}
        self._lock = threading.Lock()

    def enter(self, authorization: str | None) -> Caller:
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
            return Caller(SERVICE_USER)
        with self._lock:
            asked_s, caller = self._remembered.get(token, (-REMEMBER_S, None))
        if caller is not None and time.monotonic() - asked_s < REMEMBER_S:
            return caller
        known = self._users.known(token)
        if PERMISSION not in known.permissions:
            raise Forbidden(f"expected the permission {PERMISSION}", code="permission")
        caller = Caller(known.user_id)
        with self._lock:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[token] = time.monotonic(), caller
        return caller

    def require(self, user_id: str) -> None:
        """Make sure that a user whose ticket was found valid still holds the permission.

        Raises:
            Forbidden: not any more.
            Unavailable: the API does not answer.
        """
        if user_id == SERVICE_USER:
            return
        with self._lock:
            if time.monotonic() - self._held.get(user_id, -REMEMBER_S) < REMEMBER_S:
                return
        if user_id not in self._users.holders([user_id]):
            raise Forbidden(f"expected the permission {PERMISSION}", code="withdrawn")
        with self._lock:
            if len(self._held) >= _MAX_REMEMBERED:
                self._held.clear()
            self._held[user_id] = time.monotonic()

    def holders(self, user_ids: Iterable[str]) -> frozenset[str]:
        """Say which of these still hold the permission; services always do.

        Raises:
            Unavailable: the API does not answer.
        """
        asked = frozenset(user_ids)
        users = asked - {SERVICE_USER}
        return (self._users.holders(users) if users else frozenset()) | (asked & {SERVICE_USER})
