"""The door of every route. Each view says with `@allow(...)` who may come in; a view that says nothing lets nobody in.

A caller has an access token of miniprogram-api, or is another service. Pictures may also be opened with a ticket, which
is bound to user and object; the user's rights are asked again each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, cast

from flask import Flask, current_app, g, request

from face_search.health import PREFIX
from face_search.parts import Parts
from shared_kernel.auth import Ticket, sign_ticket, verify_ticket
from shared_kernel.door import Caller
from shared_kernel.errors import NotFound
from shared_kernel.wire import is_ulid

V = TypeVar("V", bound=Callable[..., Any])
Permission = Literal["face.view", "face.search", "face.manage", "face.erase", "face.audit", "photo.detect"]

#: How long a picture's address opens it, seconds.
TICKET_TTL_S: Final = 600
_MARK: Final = "xunshi_rule"


@dataclass(frozen=True)
class Rule:
    """What a caller needs; `ticket_for`: the part of the path that a ticket may open instead of a token."""

    permission: Permission
    ticket_for: str | None = None


def allow(permission: Permission, *, ticket_for: str | None = None) -> Callable[[V], V]:
    """Mark a view with its rule. Stands directly under the route decorator."""

    def mark(view: V) -> V:
        setattr(view, _MARK, Rule(permission, ticket_for))
        return view

    return mark


def rule_of(app: Flask, endpoint: str) -> Rule | None:
    """The rule of a view."""
    return cast("Rule | None", getattr(app.view_functions[endpoint], _MARK, None))


def guard(app: Flask, parts: Parts) -> None:
    """Check the rule before every view under the prefix."""
    open_to_all = set(app.view_functions)  # health, metrics, documentation: made before any resource

    @app.before_request
    def check() -> None:
        if request.endpoint is None or request.endpoint in open_to_all:
            return
        rule = rule_of(current_app, request.endpoint)
        if rule is None:
            raise NotFound("this route has no rule yet, so nobody may use it", code="no_rule")
        g.caller = _admitted(parts, rule)


def _admitted(parts: Parts, rule: Rule) -> Caller:
    ticket = request.args.get("ticket")
    if rule.ticket_for is None or ticket is None:
        return parts.door.enter(request.headers.get("Authorization"), rule.permission)
    object_id = str((request.view_args or {})[rule.ticket_for])
    user_id = verify_ticket(parts.ticket_key, ticket, "faces", object_id).user_id
    return parts.door.readmit(user_id, rule.permission)


def caller() -> Caller:
    """Who calls."""
    return cast("Caller", g.caller)


def author() -> str | None:
    """The caller as a row names an author; None: another service."""
    return caller().user_id if is_ulid(caller().user_id) else None


def picture_url(parts: Parts, picture_id: str) -> str:
    """Address of the crop of a sighting or sample, which opens for this caller for `TICKET_TTL_S` seconds."""
    return ticketed(parts, f"/pictures/{picture_id}", picture_id)


def ticketed(parts: Parts, path: str, object_id: str) -> str:
    """Address of a route under the prefix with a ticket for an object, for a view with `ticket_for`."""
    ticket = sign_ticket(parts.ticket_key, Ticket("faces", caller().user_id, object_id), ttl_s=TICKET_TTL_S)
    return f"{PREFIX}{path}?ticket={ticket}"
