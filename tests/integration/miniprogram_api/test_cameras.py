from __future__ import annotations

import logging
import threading

import pytest

from shared_kernel.bus import Bus
from shared_kernel.messages import CameraChanged
from tests.integration.miniprogram_api.world import World


def test_a_camera_is_added_changed_and_removed(world: World) -> None:
    token = world.token()
    given = {"name": " 东门 ", "url": "rtsp://eye:secret@[fe80::1]:8554/a/b?c=d", "lon": 116.397128, "lat": 39.916527}
    created = world.call("POST", "/cameras", token, json=given).get_json()
    assert created["name"] == "东门"
    assert created["state"] == "connecting"
    assert (created["lon"], created["lat"]) == (116.397128, 39.916527)
    assert created["address"] == "rtsp://[fe80::1]:8554/a/b"

    path = f"/cameras/{created['camera_id']}"
    changed = world.call("PATCH", path, token, json={"name": "西门", "lon": None}).get_json()
    assert (changed["name"], changed["lon"], changed["lat"]) == ("西门", None, 39.916527)
    assert changed["address"] == created["address"], "the address stays where none is given"
    disabled = world.call("PATCH", path, token, json={"enabled": False}).get_json()
    assert disabled["state"] == "disabled"
    moved = world.call("PATCH", path, token, json={"enabled": True, "url": "http://10.0.0.2/mjpeg"}).get_json()
    assert (moved["state"], moved["address"]) == ("connecting", "http://10.0.0.2/mjpeg")

    assert world.call("DELETE", path, token).status_code == 204
    assert world.call("GET", path, token).status_code == 404
    assert world.call("DELETE", path, token).status_code == 404
    assert world.call("GET", "/cameras", token).get_json()["items"] == []


def test_owners_hear_of_each_change(world: World, redis_url: str) -> None:
    token = world.token()
    heard = Bus(redis_url).follow(CameraChanged, block_ms=2000)
    first = world.camera(token)  # `follow` begins with its first read, so something must come before
    camera_id = ""
    collected: list[str] = []
    thread = threading.Thread(target=lambda: collected.extend(one.camera_id for _ in range(3) if (one := next(heard))))
    thread.start()
    while not collected and thread.is_alive():
        camera_id = world.camera(token)
    world.call("PATCH", f"/cameras/{camera_id}", token, json={"name": "other"})
    world.call("DELETE", f"/cameras/{camera_id}", token)
    thread.join()
    assert collected[-1] == camera_id
    assert first not in collected


def test_secrets_are_neither_answered_nor_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = world.token()
    url = "rtsp://eye:geheim123@10.0.0.1/user=adm_password=geheim123_channel=1.sdp?auth=geheim123"
    texts = [world.call("POST", "/cameras", token, json={"name": "n", "url": url}).text]
    texts.append(world.call("GET", "/cameras", token).text)
    texts.append(
        world.call("POST", "/cameras", token, json={"name": "n", "url": f"gopher://x:geheim123@{'a' * 9}"}).text
    )
    texts.append(world.call("POST", "/cameras/test", token, json={"url": url}).text)
    with world.database.read() as store:
        texts += [event.payload for event in store.events.after(0, 100)]
        texts += [camera.url_cipher for camera in store.cameras.all()]
    assert "geheim123" not in "".join(texts) + caplog.text


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("", "at least 1"),
        ("10.0.0.1", "schemes"),
        ("ftp://10.0.0.1/x", "schemes"),
        ("javascript:alert(1)", "schemes"),
        ("rtsp://", "host"),
        ("rtsp:///path", "host"),
        ("rtsp://host:99999/", "scheme://"),
        ("rtsp://host:0/", "port"),
        ("rtsp://[fe80::1/", "scheme://"),
        ("rtsp://ho st/", "blanks"),
        ("rtsp://host/\n", "blanks"),
        ("rtsp://host/\u202e", "control"),
        ("file://", "file:///"),
        ("file://elsewhere/x.mp4", "file:///"),
        ("file:relative.mp4", "file:///"),
        ("rtsp://h/" + "x" * 2048, "at most"),
        (7, "string"),
        (None, "string"),
        ({"a": 1}, "string"),
    ],
)
def test_an_address_that_is_none_names_the_field(small_world: World, url: object, word: str) -> None:
    answer = small_world.call("POST", "/cameras", small_world.token(), json={"name": "n", "url": url})
    assert answer.status_code == 422, answer.text
    [error] = answer.get_json()["errors"]
    assert error["field"] == "url"
    assert word in error["message"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": 5}, "name"),
        ({"lon": 180.01}, "lon"),
        ({"lon": "116"}, "lon"),
        ({"lon": float("nan")}, "lon"),
        ({"lat": float("inf")}, "lat"),
        ({"lat": -90.5}, "lat"),
        ({"lat": True}, "lat"),
        ({"model": "../x"}, "model"),
        ({"enabled": "yes"}, "enabled"),
        ({"is_demo": True}, "is_demo"),
        ({"camera_id": "x"}, "camera_id"),
    ],
)
def test_a_wrong_field_is_named(small_world: World, change: dict[str, object], field: str) -> None:
    token = small_world.token()
    camera_id = small_world.camera(token)
    answer = small_world.call("PATCH", f"/cameras/{camera_id}", token, json=change)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


def test_pages_hold_every_camera_once(world: World) -> None:
    token = world.token()
    added = [world.camera(token, name=f"camera {n}") for n in range(7)]
    seen: list[str] = []
    after = ""
    while True:
        page = world.call("GET", f"/cameras?limit=3{after}", token).get_json()
        seen += [one["camera_id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == added


def test_the_same_key_creates_once(world: World) -> None:
    token = world.token()
    given, headers = {"name": "n", "url": "rtsp://h/s"}, {"Idempotency-Key": "key-1"}
    first = world.call("POST", "/cameras", token, json=given, headers=headers)
    again = world.call("POST", "/cameras", token, json=given, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    other = world.call("POST", "/cameras", token, json={**given, "name": "other"}, headers=headers)
    assert other.status_code == 409
    somebody_else = world.call("POST", "/cameras", world.token(), json=given, headers=headers)
    assert somebody_else.get_json()["camera_id"] != first.get_json()["camera_id"]
    assert len(world.call("GET", "/cameras", token).get_json()["items"]) == 2


def test_the_same_key_at_once_creates_once(world: World) -> None:
    token = world.token()
    answers: list[str] = []

    def create() -> None:
        given, headers = {"name": "n", "url": "rtsp://h/s"}, {"Idempotency-Key": "key-1"}
        answers.append(world.call("POST", "/cameras", token, json=given, headers=headers).get_json()["camera_id"])

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert len(set(answers)) == 1


@pytest.mark.parametrize("key", ["", "x" * 65, "with blank", "ключ".encode().decode("latin-1")])
def test_a_malformed_key_is_refused(small_world: World, key: str) -> None:
    given = {"name": "n", "url": "rtsp://h/s"}
    answer = small_world.call("POST", "/cameras", small_world.token(), json=given, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "Idempotency-Key"


def test_the_play_ticket_names_the_stream(world: World) -> None:
    token = world.token("officer")
    camera_id = world.camera(world.token())
    answer = world.call("POST", f"/cameras/{camera_id}/play-ticket", token, json={}).get_json()
    assert answer["stream_url"] == f"/live/cameras/{camera_id}/stream?ticket={answer['ticket']}"
    assert answer["snapshot_url"] == f"/live/cameras/{camera_id}/snapshot.jpg?ticket={answer['ticket']}"
