"""The door of every route. Each view says with `@allow(...)` who may come in; a view that says nothing lets nobody in.

`user` needs an access token of a login that still stands, and the named permission; `service` the service token;
`ticket` routes check a ticket themselves, because it is bound to their object; `public` ones are open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal, TypeVar, cast

from flask import Flask, Response, current_app, g, request

from miniprogram_api.parts import Parts
from miniprogram_api.permissions import Permission, permissions_of
from miniprogram_api.tokens import read_access
from shared_kernel.auth import require_service_token
from shared_kernel.clock import now
from shared_kernel.errors import Forbidden, NotFound, Unauthorised

V = TypeVar("V", bound=Callable[..., Any])
Kind = Literal["public", "user", "service", "ticket"]

PREFIX: Final = "/api/v1"
_MARK: Final = "xunshi_rule"


@dataclass(frozen=True)
class Rule:
    """Who may call a route. `scoped`: what is seen there is further restricted to the caller's cameras."""

    kind: Kind
    permission: Permission | None = None
    before_password_change: bool = False
    scoped: bool = False


@dataclass(frozen=True)
class Caller:
    """Who calls, as the database knows them now."""

    user_id: str
    username: str
    role: str
    rank: int
    org_id: str
    permissions: frozenset[str]
    family_id: str
    must_change_password: bool


def allow(
    kind: Kind, permission: Permission | None = None, *, before_password_change: bool = False, scoped: bool = False
) -> Callable[[V], V]:
    """Mark a view with its rule. Stands directly under the route decorator."""

    def mark(view: V) -> V:
        setattr(view, _MARK, Rule(kind, permission, before_password_change, scoped))
        return view

    return mark


def rule_of(app: Flask, endpoint: str) -> Rule | None:
    return cast("Rule | None", getattr(app.view_functions[endpoint], _MARK, None))


def guard(app: Flask, parts: Parts) -> None:
    """Check the rule before every view under the prefix."""

    @app.before_request
    def check() -> None:
        if request.endpoint is None or not request.path.startswith(f"{PREFIX}/"):
            return
        rule = rule_of(current_app, request.endpoint)
        if rule is None:
            raise NotFound("this route has no rule yet, so nobody may use it", code="no_rule")
        if rule.kind == "service":
            token = parts.settings.service_token.get_secret_value()
            require_service_token(token, request.headers.get("Authorization"))
        elif rule.kind == "user":
            g.caller = _admitted(authenticated(parts), rule)


def authenticated(parts: Parts) -> Caller:
    """The caller behind the access token of this request.

    Raises:
        Unauthorised: no token, a wrong one, a login that ended, or a disabled user.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise Unauthorised("access token: expected the header Authorization: Bearer …", code="access_token")
    return owner_of(parts, text.strip())


def owner_of(parts: Parts, access_token: str) -> Caller:
    """The caller whom this access token names.

    Raises:
        Unauthorised: a wrong token, a login that ended, or a disabled user.
    """
    token = read_access(parts.settings.jwt_key.get_secret_value(), access_token)
    with parts.database.read() as store:
        found = store.auth_sessions.user_of_family(token.family_id, now())
    if found is None or found[0].user_id != token.user_id or found[0].status != "active":
        raise Unauthorised("access token: expected one of a login that still stands", code="access_token")
    user, credential, role = found
    return Caller(
        user_id=user.user_id,
        username=user.username,
        role=user.role,
        rank=role.rank_no,
        org_id=user.org_id,
        permissions=frozenset(permissions_of(role)),
        family_id=token.family_id,
        must_change_password=credential.must_change,
    )


def _admitted(caller: Caller, rule: Rule) -> Caller:
    if caller.must_change_password and not rule.before_password_change:
        raise Forbidden("password: expected it to be changed first", code="must_change_password")
    if rule.permission is not None and rule.permission not in caller.permissions:
        raise Forbidden(f"expected the permission {rule.permission}", code="permission")
    return caller


def no_content() -> Response:
    """The answer to what was done and needs no words."""
    return Response(status=HTTPStatus.NO_CONTENT)


def caller() -> Caller:
    """Who calls; only in views with the rule `user`."""
    return cast("Caller", g.caller)
