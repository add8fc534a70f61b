"""Floor plans: what comes in is decoded, and what is served is ours."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest

from shared_kernel.door import Known
from shared_kernel.messages import new_id
from shared_kernel.tables import FloorPlan
from shared_kernel.vision.pictures import decode
from tests.integration.face_search.world import World

CORNERS = {"west": "113.1", "south": "23.0", "east": "113.2", "north": "23.1"}


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


#: A PNG of a few bytes that claims 65,536 x 65,536 pixels.
_HEADER = struct.pack(">IIBBBBB", 65536, 65536, 8, 2, 0, 0, 0)
HUGE = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", _HEADER) + _chunk(b"IEND", b"")


def drawing(width: int = 60, height: int = 40, kind: str = ".jpg") -> bytes:
    return cv2.imencode(kind, np.full((height, width, 3), (40, 120, 200), np.uint8))[1].tobytes()


def form(data: bytes | None = None, /, **fields: str) -> dict[str, Any]:
    picture = drawing() if data is None else data
    return {"name": "Hall 3", **CORNERS, **fields, "picture": (io.BytesIO(picture), "plan.jpg")}


def added(world: World, token: str, data: bytes | None = None, **fields: str) -> dict[str, Any]:
    answer = world.call("POST", "/floor-plans", token, data=form(data, **fields))
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def test_a_plan_is_kept_where_it_lies(world: World) -> None:
    token = world.token()
    plan = added(world, token, name=" 三号楼一层 ")
    assert (plan["name"], plan["width"], plan["height"]) == ("三号楼一层", 60, 40)
    assert [plan[corner] for corner in CORNERS] == [113.1, 23.0, 113.2, 23.1]
    listed = world.call("GET", "/floor-plans", world.token("officer")).get_json()["items"]
    assert [one | {"picture_url": ""} for one in listed] == [plan | {"picture_url": ""}]


def test_the_picture_is_ours_and_opens_by_its_address(small_world: World) -> None:
    world = small_world
    sent = drawing() + b"<script>alert(1)</script>"
    plan = added(world, world.token(), sent)
    answer = world.call("GET", plan["picture_url"])
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert b"script" not in answer.data
    assert decode(answer.data).shape == (40, 60, 3)
    assert abs(decode(answer.data).astype(int) - (40, 120, 200)).max() < 8
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
    assert "max-age=4" in answer.headers["Cache-Control"]


def test_a_ticket_opens_one_plan_for_as_long_as_the_right_stands(small_world: World) -> None:
    world = small_world
    token = world.token()
    one, other = added(world, token), added(world, token, name="Hall 4")
    ticket = one["picture_url"].partition("?")[2]
    assert world.call("GET", f"/floor-plans/{other['plan_id']}/picture?{ticket}").status_code == 401
    assert world.call("GET", f"/floor-plans/{one['plan_id']}/picture").status_code == 401
    world.users.users[token] = Known(user_id=token, permissions=frozenset())
    assert world.call("GET", one["picture_url"]).status_code == 403


def test_a_large_plan_is_reduced(small_world: World) -> None:
    plan = added(small_world, small_world.token(), drawing(8192, 1000, ".png"))
    assert (plan["width"], plan["height"]) == (4096, 500)
    assert decode(small_world.call("GET", plan["picture_url"]).data).shape == (500, 4096, 3)


def test_a_narrow_plan_keeps_a_pixel(small_world: World) -> None:
    plan = added(small_world, small_world.token(), drawing(9000, 1, ".png"))
    assert (plan["width"], plan["height"]) == (4096, 1)


def test_a_removed_plan_is_gone_with_its_picture(small_world: World) -> None:
    world, token = small_world, small_world.token()
    plan = added(world, token)
    [row] = _rows(world)
    assert world.call("DELETE", f"/floor-plans/{plan['plan_id']}", token).status_code == 204
    assert list(world.parts.blobs.keys("floor-plans")) == []
    assert row.object_key.endswith(f"{plan['plan_id']}.png")
    for method, path in (("GET", plan["picture_url"]), ("DELETE", f"/floor-plans/{plan['plan_id']}")):
        assert world.call(method, path, token).status_code == 404


def test_the_same_key_is_the_same_plan(small_world: World) -> None:
    world, token = small_world, small_world.token()
    key = {"Idempotency-Key": "plan-1"}
    first = world.call("POST", "/floor-plans", token, data=form(), headers=key)
    second = world.call("POST", "/floor-plans", token, data=form(), headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json()["plan_id"] == second.get_json()["plan_id"]
    assert world.call("POST", "/floor-plans", token, data=form(name="Other"), headers=key).status_code == 409
    assert len(_rows(world)) == 1
    assert len(list(world.parts.blobs.keys("floor-plans"))) == 1


@pytest.mark.parametrize(("role", "status"), [("administrator", 201), ("officer", 403), ("guard", 403)])
def test_the_role_decides_who_adds(small_world: World, role: str, status: int) -> None:
    token = small_world.token(role)
    assert small_world.call("POST", "/floor-plans", token, data=form()).status_code == status
    assert small_world.call("DELETE", f"/floor-plans/{new_id()}", token).status_code == (404 if status == 201 else 403)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"west": "113.3"}, "body"),
        ({"north": "22"}, "body"),
        ({"west": "nan"}, "west"),
        ({"east": "181"}, "east"),
        ({"south": "-91"}, "south"),
        ({"north": "inf"}, "north"),
        ({"x": "1"}, "x"),
    ],
)
def test_wrong_fields_are_named(quiet_world: World, fields: dict[str, str], field: str) -> None:
    answer = quiet_world.call("POST", "/floor-plans", quiet_world.token(), data=form(**fields))
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "unsupported"),
        (b"%PDF-1.7", "unsupported"),
        (b"PK\x03\x04 a zip", "not_an_image"),
        (drawing()[:100], "truncated"),
        (HUGE, "too_many_pixels"),
    ],
    ids=["empty", "svg", "pdf", "zip", "truncated", "65536 x 65536"],
)
def test_hostile_pictures_are_refused(quiet_world: World, data: bytes, code: str) -> None:
    answer = quiet_world.call("POST", "/floor-plans", quiet_world.token(), data=form(data))
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "picture"
    assert code in answer.get_json()["type"]
    assert list(quiet_world.parts.blobs.keys("floor-plans")) == []


def _rows(world: World) -> list[FloorPlan]:
    with world.database.read() as store:
        return list(store.plans.all())
