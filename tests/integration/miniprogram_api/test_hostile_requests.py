"""Bodies, paths and headers that no honest client sends. Nothing may answer 5xx; a wrong field is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.miniprogram_api.world import World

LOGIN = "/auth/login"
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("body", "content_type", "statuses"),
    [
        (b"", "application/json", {400, 422}),
        (b"{", "application/json", {400}),
        (b"\xff\xfe", "application/json", {400}),
        (b"null", "application/json", {422}),
        (b"[]", "application/json", {422}),
        (b'"text"', "application/json", {422}),
        (b"1e999", "application/json", {422}),
        (DEEP.encode(), "application/json", {400, 422}),
        (b'{"username":"a","username":"b","password":{}}', "application/json", {422}),
        (b'{"username":"\\ud800x","password":"x"}', "application/json", {422}),
        (b'{"username":"a\\u0000b","password":"x"}', "application/json", {401}),
        (json.dumps({"username": "x" * 129, "password": "x"}).encode(), "application/json", {422}),
        (json.dumps({"username": "x", "password": "x" * 129}).encode(), "application/json", {422}),
        (json.dumps({"username": ["x"], "password": "x"}).encode(), "application/json", {422}),
        (json.dumps({"username": "x", "password": "x", "admin": True}).encode(), "application/json", {422}),
        (b"username=a&password=b", "application/x-www-form-urlencoded", {400, 415, 422}),
        (b"<a/>", "text/xml", {400, 415, 422}),
        (b"x" * (21 * 2**20), "application/json", {413}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_no_body_breaks_the_login(small_world: World, body: bytes, content_type: str, statuses: set[int]) -> None:
    answer = small_world.call("POST", LOGIN, data=body, content_type=content_type)
    assert answer.status_code in statuses, answer.text
    assert answer.mimetype == "application/problem+json"
    if answer.status_code == 422:
        assert answer.get_json()["errors"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"username": "x"}, "password"),
        ({"username": "x", "password": 7}, "password"),
        ({"username": None, "password": "x"}, "username"),
        ({"username": "x", "password": "x", "client": "toaster"}, "client"),
        ({"username": "x", "password": "x", "role": "administrator"}, "role"),
    ],
)
def test_the_wrong_field_is_named(small_world: World, given: dict[str, Any], field: str) -> None:
    answer = small_world.call("POST", LOGIN, json=given)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(small_world: World, method: str) -> None:
    answer = small_world.call(method, LOGIN)
    assert answer.status_code == 405
    assert answer.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/",
        "/cameras/",
        "//cameras",
        "/../cameras",
        "/cameras/%2e%2e/users",
        "/cameras\x00",
        "/" + "a" * 5000,
    ],
)
def test_unknown_paths_are_not_found(small_world: World, path: str) -> None:
    answer = small_world.call("GET", path, small_world.token())
    assert answer.status_code in {308, 404}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer " + "a" * 8000},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": ""},
        {"Cookie": "xunshi_refresh=" + "x" * 4000},
        {"X-Forwarded-For": "not an address, " * 50},
        {"If-None-Match": '"' * 500},
    ],
    ids=str,
)
def test_no_header_breaks_a_route(small_world: World, headers: dict[str, str]) -> None:
    assert small_world.call("GET", "/me", headers=headers).status_code == 401
    assert small_world.call("POST", "/auth/refresh", json={}, headers=headers).status_code == 401
    given = {"username": "nobody", "password": "wrong"}
    assert small_world.call("POST", LOGIN, json=given, headers=headers).status_code in {401, 429}


@pytest.mark.parametrize("token", ["", "s" * 39, "s" * 41, "S" * 40, "ÿ"])
def test_a_wrong_service_token_opens_nothing(small_world: World, token: str) -> None:
    assert small_world.call("GET", "/internal/cameras", token).status_code == 401


@pytest.mark.parametrize(
    "pairs", [[{}], [{"user_id": "x", "camera_id": "y"}], "all", [{"user_id": None, "camera_id": None}], [[]] * 3000]
)
def test_wrong_questions_about_rights_are_refused(small_world: World, pairs: object) -> None:
    assert small_world.call("POST", "/internal/rights", "s" * 40, json={"pairs": pairs}).status_code == 422


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"permission": "photo.detect"},
        {"permission": "everything", "user_ids": []},
        {"permission": "photo.detect", "user_ids": ["x"]},
        {"permission": "photo.detect", "user_ids": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"] * 2001},
    ],
)
def test_wrong_questions_about_permissions_are_refused(small_world: World, given: object) -> None:
    assert small_world.call("POST", "/internal/holders", "s" * 40, json=given).status_code == 422


@pytest.mark.parametrize(("token", "status"), [("", 422), ("x" * 5000, 422), (1, 422), ("a.b.c", 401), ("ÿ", 401)])
def test_wrong_tokens_of_others_name_nobody(small_world: World, token: object, status: int) -> None:
    given = {"access_token": token}
    assert small_world.call("POST", "/internal/callers", "s" * 40, json=given).status_code == status


def test_answers_are_not_kept_by_anybody(small_world: World) -> None:
    token = small_world.token()
    for path in ("/me", "/cameras", "/passes", "/counters", "/users"):
        assert small_world.call("GET", path, token).headers["Cache-Control"] == "no-store"


def test_texts_in_any_language_survive(world: World) -> None:
    token = world.token()
    name = "东门 🚧 Ворота “gate” <script>"
    camera_id = world.camera(token, name=name)
    assert world.call("GET", f"/cameras/{camera_id}", token).get_json()["name"] == name


def test_the_viewer_loads_nothing_from_elsewhere(small_world: World) -> None:
    client = small_world.app.test_client()
    page = client.get("/api/docs").text
    assert "http://" not in page
    assert "//cdn" not in page
    assert client.get("/api/openapi.json").get_json()["openapi"].startswith("3.1")
