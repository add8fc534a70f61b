"""Patrol photos: accepted is stored and told, once, whatever is sent again."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from shared_kernel.clock import now, rfc3339
from shared_kernel.messages import PatrolPhotoTaken, new_id
from tests.integration.face_search.canned import Portrait, photo
from tests.integration.face_search.world import World

ADA = photo(Portrait(5))


def form(data: bytes = ADA, /, **fields: str) -> dict[str, Any]:
    return {**fields, "photo": (io.BytesIO(data), "photo.jpg")}


def told(world: World) -> list[PatrolPhotoTaken]:
    """Every message about a photo."""
    subscription = world.parts.bus.subscribe(PatrolPhotoTaken, "face-search")
    deliveries = subscription.receive(count=100, block_ms=50)
    subscription.ack(*deliveries)
    return [delivery.message for delivery in deliveries]


def test_a_photo_is_stored_and_told(small_world: World) -> None:
    world, token, patrol = small_world, small_world.token("guard"), new_id()
    taken_at = now() - timedelta(minutes=3)
    fields = {"taken_at": rfc3339(taken_at), "lon": "113.32", "lat": "23.11", "patrol_id": patrol}
    answer = world.call("POST", "/photos", token, data=form(**fields))
    assert answer.status_code == 202, answer.text
    [message] = told(world)
    assert message.photo_id == answer.get_json()["photo_id"]
    assert (message.taken_by, message.taken_at, message.patrol_id) == (token, taken_at, patrol)
    assert (message.lon, message.lat) == (113.32, 23.11)
    assert world.parts.blobs.get(message.key) == ADA


def test_place_time_and_patrol_may_be_unknown(small_world: World) -> None:
    before = now()
    assert small_world.call("POST", "/photos", small_world.token("guard"), data=form()).status_code == 202
    [message] = told(small_world)
    assert (message.lon, message.lat, message.patrol_id) == (None, None, None)
    assert before <= message.taken_at <= now()


def test_the_same_key_is_the_same_photo(world: World) -> None:
    token, key = world.token("guard"), {"Idempotency-Key": "phone-17"}
    first, second = (world.call("POST", "/photos", token, data=form(), headers=key).get_json() for _ in range(2))
    assert first == second
    # told again, because the first may have died half-way; the worker knows it by its id
    assert {message.photo_id for message in told(world)} == {first["photo_id"]}
    assert len(list(world.parts.blobs.keys("patrol-photos"))) == 1
    other = world.call("POST", "/photos", token, data=form(photo(Portrait(6))), headers=key)
    assert (other.status_code, other.get_json()["type"]) == (409, "#idempotency_key_reused")
    without = world.call("POST", "/photos", token, data=form()).get_json()
    assert without["photo_id"] != first["photo_id"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"taken_at": "now"}, "taken_at"),
        ({"taken_at": "2026-01-02T03:04:05"}, "taken_at"),
        ({"taken_at": "8000-01-02T03:04:05Z"}, "taken_at"),
        ({"lon": "113"}, "body"),
        ({"lon": "181", "lat": "0"}, "lon"),
        ({"lon": "0", "lat": "nan"}, "lat"),
        ({"patrol_id": "../../etc"}, "patrol_id"),
        ({"purpose": "none is asked"}, "purpose"),
    ],
)
def test_wrong_fields_are_named(quiet_world: World, fields: dict[str, str], field: str) -> None:
    answer = quiet_world.call("POST", "/photos", quiet_world.token("guard"), data=form(**fields))
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize(("data", "status"), [(b"", 422), (b"x" * (20 * 1024 * 1024 + 1), 413)], ids=["empty", "large"])
def test_a_photo_has_bytes_and_not_too_many(quiet_world: World, data: bytes, status: int) -> None:
    boundary, body = encode_multipart(
        {"photo": FileStorage(io.BytesIO(data), "photo.jpg")}
    )  # the client would leave a temporary file open
    kind = f"multipart/form-data; boundary={boundary}"
    answer = quiet_world.call("POST", "/photos", quiet_world.token("guard"), data=body, content_type=kind)
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (status, "photo")


def test_one_photo_a_request(quiet_world: World) -> None:
    two = {"photo": [(io.BytesIO(ADA), "1.png"), (io.BytesIO(ADA), "2.png")]}
    for data in (two, {"lon": "1", "lat": "1"}):
        answer = quiet_world.call(
            "POST", "/photos", quiet_world.token("guard"), data=data, content_type="multipart/form-data"
        )
        assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "photo")
