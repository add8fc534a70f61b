"""Who may come in, and what the document says about it."""

from __future__ import annotations

import pytest

from face_search.app import create_app
from face_search.web.access import rule_of
from shared_kernel.door import SERVICE_USER, Known
from tests.integration.face_search.world import PERMISSIONS, SERVICE_TOKEN, World


def test_every_route_has_a_rule(small_world: World) -> None:
    app = create_app(small_world.parts)
    routes = [one for one in app.url_map.iter_rules() if one.rule.startswith("/faces/")]
    documented = {one.endpoint for one in routes if one.endpoint.startswith(("openapi", "documentation_file"))}
    without = [one.rule for one in routes if one.endpoint not in documented and rule_of(app, one.endpoint) is None]
    assert without == []
    assert len(routes) > len(documented)


@pytest.mark.parametrize(("role", "status"), [("administrator", 200), ("officer", 200), ("guard", 403)])
def test_the_role_decides(small_world: World, role: str, status: int) -> None:
    assert small_world.call("GET", "/about", small_world.token(role)).status_code == status


@pytest.mark.parametrize("token", [None, "", "nobody", "s" * 39])
def test_nobody_comes_in_without_a_login(small_world: World, token: str | None) -> None:
    answer = small_world.call("GET", "/about", token)
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")


def test_another_service_comes_in(small_world: World) -> None:
    assert small_world.call("GET", "/about", SERVICE_TOKEN).get_json()["model"] == "canned-1"
    assert SERVICE_USER not in small_world.users.users


def test_a_withdrawn_right_ends_within_seconds(small_world: World) -> None:
    token = small_world.token("officer")
    small_world.users.users[token] = Known(user_id=token, permissions=frozenset())
    assert small_world.call("GET", "/about", token).status_code == 403


def test_while_the_api_is_away_nobody_comes_in(small_world: World) -> None:
    token = small_world.token()
    small_world.users.away = True
    answer = small_world.call("GET", "/about", token)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_health_needs_no_login_and_names_what_is_missing(small_world: World) -> None:
    client = small_world.app.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").get_json() == {"service": "face-search", "ready": True, "missing": {}}


def test_the_roles_here_are_those_of_the_api() -> None:
    from miniprogram_api.permissions import BUILT_IN as REAL

    for role, permissions in PERMISSIONS.items():
        here = {one for one in permissions if one.startswith("face.") or one == "photo.detect"}
        assert here == {one for one in REAL[role] if one.startswith("face.") or one == "photo.detect"}
