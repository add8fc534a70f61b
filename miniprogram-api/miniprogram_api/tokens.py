"""Access tokens: short JWTs that say who calls. What the caller may do is asked from the database on every request."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import jwt

from shared_kernel.clock import now
from shared_kernel.errors import Unauthorised
from shared_kernel.wire import is_ulid

ACCESS_TTL_S: Final = 15 * 60
REFRESH_TTL: Final = timedelta(days=14)
_ALGORITHM: Final = "HS256"
_ISSUER: Final = "xunshi"
_AUDIENCE: Final = "api"


@dataclass(frozen=True)
class AccessToken:
    user_id: str
    family_id: str


def sign_access(key: str, token: AccessToken, *, role: str, permissions: Sequence[str]) -> str:
    """A token for `ACCESS_TTL_S` seconds. Role and permissions in it are for clients; the server looks again."""
    issued_at = now()
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": token.user_id,
        "sid": token.family_id,
        "role": role,
        "permissions": list(permissions),
        "iat": issued_at,
        "exp": issued_at + timedelta(seconds=ACCESS_TTL_S),
        "jti": secrets.token_hex(8),
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def read_access(key: str, text: str) -> AccessToken:
    """Who the token names.

    Raises:
        Unauthorised: wrong, expired, or made for something else.
    """
    try:
        claims = jwt.decode(
            text,
            key,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            options={"require": ["exp", "sub", "aud", "iss", "sid"]},
        )
    except jwt.PyJWTError as error:
        raise Unauthorised("access token: expected a valid one, got none", code="access_token") from error
    user_id, family_id = claims["sub"], claims["sid"]
    if not isinstance(family_id, str) or not is_ulid(user_id) or not is_ulid(family_id):
        raise Unauthorised("access token: expected a valid one, got none", code="access_token")
    return AccessToken(user_id, family_id)


def new_refresh_token() -> str:
    return secrets.token_urlsafe(32)


def refresh_hash(token: str) -> bytes:
    """What the database keeps of a refresh token. It is random, so a plain hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
