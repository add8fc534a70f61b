"""Short tickets and service tokens: what opens a stream, a picture or an internal route.

A ticket is a JWT bound to one user, one object and one channel. It only opens the door; whoever serves a long stream
asks again whether the right still stands, because a grant may be withdrawn while the stream runs.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import jwt

from shared_kernel.clock import now
from shared_kernel.errors import Unauthorised

Channel = Literal["live", "media", "events", "infer", "faces"]
_ALGORITHM: Final = "HS256"
_ISSUER: Final = "xunshi"


@dataclass(frozen=True)
class Ticket:
    """Who may open what."""

    channel: Channel
    user_id: str
    object_id: str


def sign_ticket(key: str, ticket: Ticket, *, ttl_s: int) -> str:
    """A signed ticket that opens until `ttl_s` seconds from now."""
    claims = {
        "iss": _ISSUER,
        "aud": f"ticket:{ticket.channel}",
        "sub": ticket.user_id,
        "obj": ticket.object_id,
        "exp": now() + timedelta(seconds=ttl_s),
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def verify_ticket(key: str, text: str, channel: Channel, object_id: str) -> Ticket:
    """The ticket, if it is ours, fresh, and for this channel and object.

    Raises:
        Unauthorised: anything else; the reason is the same for all, so that nothing can be learned by trying.
    """
    try:
        claims = jwt.decode(
            text,
            key,
            algorithms=[_ALGORITHM],
            audience=f"ticket:{channel}",
            issuer=_ISSUER,
            options={"require": ["exp", "sub", "aud", "iss"]},
        )
    except jwt.PyJWTError as error:
        raise Unauthorised("ticket: expected a valid one for this object, got none", code="ticket") from error
    if claims.get("obj") != object_id:
        raise Unauthorised("ticket: expected a valid one for this object, got none", code="ticket")
    return Ticket(channel=channel, user_id=str(claims["sub"]), object_id=object_id)


def require_service_token(expected: str, authorization: str | None) -> None:
    """Let only other services of this installation in.

    Raises:
        Unauthorised: the header is not `Bearer <service token>`.
    """
    given = (authorization or "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Unauthorised("service token: expected the one of this installation", code="service_token")
