from __future__ import annotations

from typing import Any

import pytest

from tests.integration.miniprogram_api.world import PASSWORD, World


def test_a_user_is_added_and_has_to_choose_a_password(world: World) -> None:
    token = world.token()
    given = {"username": "Zhang.San", "role": "guard", "password": PASSWORD, "display_name": "张三"}
    created = world.call("POST", "/users", token, json=given).get_json()
    assert (created["username"], created["display_name"], created["status"]) == ("zhang.san", "张三", "active")
    assert created["must_change_password"]
    session = world.call("POST", "/auth/login", json={"username": "zhang.san", "password": PASSWORD}).get_json()
    assert session["user"]["must_change_password"]
    taken = world.call("POST", "/users", token, json={**given, "username": "ZHANG.SAN"})
    assert (taken.status_code, taken.get_json()["type"]) == (409, "#username_taken")
    listed = world.call("GET", "/users", token).get_json()["items"]
    assert [one["username"] for one in listed if one["role"] == "guard"] == ["zhang.san"]


def test_the_same_key_adds_one_user(world: World) -> None:
    token = world.token()
    given = {"username": "once", "role": "guard", "password": PASSWORD}
    answers = [
        world.call("POST", "/users", token, json=given, headers={"Idempotency-Key": "k"}).get_json() for _ in range(2)
    ]
    assert answers[0] == answers[1]
    with world.database.read() as store:
        assert PASSWORD not in str([vars(row) for row in store.answers.all()])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "x"}, "username"),
        ({"username": "with blank"}, "username"),
        ({"username": "x" * 65}, "username"),
        ({"username": "-dash"}, "username"),
        ({"role": "king"}, "role"),
        ({"role": None}, "role"),
        ({"password": "short"}, "password"),
        ({"password": "aaaaaaaaaaa"}, "password"),
        ({"display_name": "\n"}, "display_name"),
        ({"status": "active"}, "status"),
    ],
)
def test_a_wrong_user_names_the_field(small_world: World, change: dict[str, Any], field: str) -> None:
    given = {"username": "somebody", "role": "guard", "password": PASSWORD, **change}
    answer = small_world.call("POST", "/users", small_world.token(), json=given)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


def test_a_new_role_counts_at_once(world: World) -> None:
    administrator, user_id = world.token(), world.user("guard")
    token = str(world.log_in(user_id)["access_token"])
    world.camera(administrator)
    assert world.call("GET", "/cameras", token).get_json()["items"] == []
    world.call("PATCH", f"/users/{user_id}", administrator, json={"role": "officer"})
    assert len(world.call("GET", "/cameras", token).get_json()["items"]) == 1
    assert "camera.read" in world.call("GET", "/me", token).get_json()["permissions"]


@pytest.mark.parametrize("change", [{"role": "guard"}, {"status": "disabled"}])
def test_the_last_administrator_stays(world: World, change: dict[str, str]) -> None:
    user_id = world.user("administrator")
    token = str(world.log_in(user_id)["access_token"])
    refused = world.call("PATCH", f"/users/{user_id}", token, json=change)
    assert (refused.status_code, refused.get_json()["type"]) == (409, "#last_administrator")
    other = world.user("administrator")
    assert world.call("PATCH", f"/users/{other}", token, json=change).status_code == 200


def test_an_unknown_user_is_not_found(small_world: World) -> None:
    answer = small_world.call("PATCH", "/users/01ARZ3NDEKTSV4RRFFQ69G5FAV", small_world.token(), json={})
    assert answer.status_code == 404


def test_what_people_do_is_on_record(world: World) -> None:
    administrator = world.user("administrator")
    token = str(world.log_in(administrator)["access_token"])
    camera_id = world.camera(token)
    guard = world.user("guard")
    world.call("PUT", f"/cameras/{camera_id}/grants/{guard}", token)
    world.call("PUT", f"/cameras/{camera_id}/grants/{guard}", token)
    grants = world.call("GET", f"/cameras/{camera_id}/grants", token).get_json()["items"]
    assert [one["user_id"] for one in grants] == [guard]
    world.call("DELETE", f"/cameras/{camera_id}/grants/{guard}", token)
    assert world.call("DELETE", f"/cameras/{camera_id}/grants/{guard}", token).status_code == 404
    world.call("DELETE", f"/cameras/{camera_id}", token)
    with world.database.read() as store:
        actions = [row.action for row in store.audit.of(administrator)]
    assert actions == ["login", "camera.create", "grant.add", "grant.add", "grant.remove", "camera.remove"]
