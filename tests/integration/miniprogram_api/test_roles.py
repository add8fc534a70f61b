"""Roles as rows: nobody gives what they do not hold, and what a role allows counts at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.miniprogram_api.world import PASSWORD, World

WATCHER = {"code": "watcher", "name": "看守", "rank": 15, "patrol_radius_m": 800, "permissions": ["pass.read"]}


def test_an_own_role_is_made_given_changed_and_removed(world: World) -> None:
    token = world.token()
    made = world.call("POST", "/roles", token, json={**WATCHER, "permissions": ["camera.read", "pass.read"]})
    assert (made.status_code, made.get_json()["changeable"]) == (201, True)
    world.camera(token)
    user_id = world.user("watcher")
    session = world.log_in(user_id)
    watcher = str(session["access_token"])
    assert {"role": "watcher", "role_name": "看守", "rank": 15, "patrol_radius_m": 800}.items() <= session[
        "user"
    ].items()
    assert len(world.call("GET", "/cameras", watcher).get_json()["items"]) == 1
    assert world.call("GET", "/counters", watcher).status_code == 200

    given = {"permissions": ["camera.read"], "patrol_radius_m": 900, "rank": 16, "name": "瞭望"}
    assert world.call("PATCH", "/roles/watcher", token, json=given).get_json()["permissions"] == ["camera.read"]
    assert world.call("GET", "/counters", watcher).status_code == 403
    used = world.call("DELETE", "/roles/watcher", token)
    assert (used.status_code, used.get_json()["type"]) == (409, "#role_in_use")
    world.call("PATCH", f"/users/{user_id}", token, json={"role": "guard"})
    assert world.call("DELETE", "/roles/watcher", token).status_code == 204
    assert "watcher" not in [one["code"] for one in world.call("GET", "/roles", token).get_json()["items"]]


def test_built_in_roles_can_be_narrowed_and_set_back(small_world: World) -> None:
    token = small_world.token()
    released = small_world.call("PATCH", "/roles/guard", token, json={}).get_json()["permissions"]
    assert small_world.call("PATCH", "/roles/guard", token, json={"permissions": ["pass.read"]}).status_code == 200
    guard = small_world.token("guard")
    assert small_world.call("GET", "/me", guard).get_json()["permissions"] == ["pass.read"]
    again = small_world.call("PATCH", "/roles/guard", token, json={"permissions": None})
    assert again.get_json()["permissions"] == released
    changes: tuple[dict[str, Any], ...] = ({"name": "root"}, {"permissions": []})
    for change in changes:
        refused = small_world.call("PATCH", "/roles/administrator", token, json=change)
        assert (refused.status_code, refused.get_json()["type"]) == (409, "#built_in")
    assert small_world.call("PATCH", "/roles/guard", token, json={"rank": 99}).status_code == 409
    assert small_world.call("DELETE", "/roles/guard", token).status_code == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": "Two Words"}, "code"),
        ({"code": "x" * 33}, "code"),
        ({"name": ""}, "name"),
        ({"rank": 0}, "rank"),
        ({"rank": 101}, "rank"),
        ({"patrol_radius_m": 0}, "patrol_radius_m"),
        ({"permissions": ["world.rule"]}, "permissions"),
        ({"built_in": True}, "built_in"),
    ],
)
def test_a_wrong_role_names_the_field(small_world: World, change: dict[str, Any], field: str) -> None:
    answer = small_world.call("POST", "/roles", small_world.token(), json={**WATCHER, **change})
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


def test_a_code_is_taken_once(small_world: World) -> None:
    token = small_world.token()
    assert [small_world.call("POST", "/roles", token, json=WATCHER).status_code for _ in range(2)] == [201, 409]
    assert small_world.call("PATCH", "/roles/nobody", token, json={"name": "x"}).status_code == 404


def test_nobody_gives_what_they_do_not_hold(small_world: World) -> None:
    """Not by making a role, changing one, giving one, nor by changing who is more."""
    world = small_world
    keeper = world.role(
        "keeper", {"role.create", "role.update", "role.delete", "user.create", "user.update", "pass.read"}, rank=20
    )
    token = world.token(keeper)
    above = world.user("officer")

    def refused(method: str, path: str, json: dict[str, Any] | None = None) -> str:
        answer = world.call(method, path, token, json=json)
        assert answer.status_code == 403, answer.text
        return str(answer.get_json()["type"])

    assert refused("POST", "/roles", {**WATCHER, "rank": 21}) == "#rank"
    assert refused("POST", "/roles", {**WATCHER, "permissions": ["face.search"]}) == "#more_than_own"
    assert world.call("POST", "/roles", token, json=WATCHER).status_code == 201
    assert refused("PATCH", "/roles/watcher", {"permissions": ["face.search"]}) == "#more_than_own"
    assert refused("PATCH", "/roles/watcher", {"rank": 50}) == "#rank"
    assert refused("PATCH", "/roles/officer", {"name": "less"}) == "#rank"
    new = {"username": "new", "password": PASSWORD}
    assert refused("POST", "/users", {**new, "role": "administrator"}) == "#rank"
    assert refused("POST", "/users", {**new, "role": "guard"}) == "#more_than_own"  # it may patrol
    assert world.call("POST", "/users", token, json={**new, "role": "watcher"}).status_code == 201
    assert refused("PATCH", f"/users/{above}", {"display_name": "less"}) == "#rank"
    assert refused("PATCH", f"/users/{above}", {"role": "watcher"}) == "#rank"
    own = world.user(keeper)
    assert refused("PATCH", f"/users/{own}", {"role": "officer"}) == "#rank"
    assert refused("PATCH", f"/users/{own}", {"status": "disabled"}) == "#permission"  # that is user.delete
