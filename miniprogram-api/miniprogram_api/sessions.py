"""Login, refresh, logout, and the own account.

Refresh tokens are used once: each use gives the next of its family, and a second use of one revokes the whole family,
because then somebody has a copy. Failed logins are counted by name and by network address, in the database.
"""

from __future__ import annotations

from typing import Final, Literal

from apiflask import APIBlueprint
from flask import Response, make_response, request
from pydantic import BaseModel, Field

from miniprogram_api.access import PREFIX, allow, caller, no_content
from miniprogram_api.logins import Granted, change_password, log_in, renew
from miniprogram_api.parts import Parts
from miniprogram_api.passwords import MAX_PASSWORD_CHARS
from miniprogram_api.permissions import in_order, permissions_of
from miniprogram_api.shapes import UserOut, user_out
from miniprogram_api.tokens import ACCESS_TTL_S, REFRESH_TTL, AccessToken, sign_access
from shared_kernel.clock import now
from shared_kernel.errors import Unauthorised
from shared_kernel.shapes import Body
from shared_kernel.web import client_address

COOKIE: Final = "xunshi_refresh"
_COOKIE_PATH: Final = f"{PREFIX}/auth"


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
        response = no_content()
        response.delete_cookie(COOKIE, path=_COOKIE_PATH, httponly=True, samesite="Strict")
        return response

    @routes.get("/me")
    @allow("user", before_password_change=True)
    @routes.output(UserOut)
    def me() -> UserOut:
        with parts.database.read() as store:
            user = store.users.get(caller().user_id)
            role = None if user is None else store.roles.get(user.role)
        if user is None or role is None:
            raise Unauthorised("expected a user that exists", code="access_token")
        return user_out(user, role, must_change=caller().must_change_password)

    @routes.post("/me/password")
    @allow("user", before_password_change=True)
    @routes.input(PasswordIn, arg_name="given")
    @routes.output({}, status_code=204)
    def password(given: PasswordIn) -> Response:
        who, address = caller(), client_address()
        current, new = given.current_password, given.new_password
        change_password(parts, who.family_id, who.username, current, new, address=address)
        return no_content()

    return routes


def _answer(parts: Parts, granted: Granted, *, in_body: bool) -> Response:
    user = granted.user
    permissions = in_order(permissions_of(granted.role))
    key = parts.settings.jwt_key.get_secret_value()
    access = sign_access(key, AccessToken(user.user_id, granted.family_id), role=user.role, permissions=permissions)
    answer = SessionOut(
        access_token=access,
        expires_in=ACCESS_TTL_S,
        user=user_out(user, granted.role, must_change=granted.must_change),
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
