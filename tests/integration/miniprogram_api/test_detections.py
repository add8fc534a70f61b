from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from miniprogram_api.detections import MAX_PHOTO_BYTES
from shared_kernel.errors import NotFound
from shared_kernel.messages import Box, Face, MaskState, PhotoAnalysed, PhotoError, PhotoSubmitted
from tests.integration.miniprogram_api.world import JPEG, World, settings

FACE = Face(
    box=Box(x0=0.1, y0=0.2, x1=0.3, y1=0.4), score=0.98, state=MaskState.WITHOUT_MASK, state_score=0.91, landmarks=()
)


def form_of(picture: bytes) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="x.jpg"\r\n\r\n'
    return head + picture + b"\r\n--x--\r\n"


@contextmanager
def analysing(world: World, answer: Callable[[PhotoSubmitted, bytes], PhotoAnalysed]) -> Iterator[list[bytes]]:
    """Plays inference-service: the pictures it was given."""
    stop, seen = threading.Event(), list[bytes]()

    def work() -> None:
        subscription = world.parts.bus.subscribe(PhotoSubmitted, "inference-service")
        while not stop.is_set():
            for delivery in subscription.receive(block_ms=100):
                photo = delivery.message
                seen.append(world.parts.blobs.get(photo.key))
                world.parts.bus.reply(photo.photo_id, answer(photo, seen[-1]))
                subscription.ack(delivery)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def found(photo: PhotoSubmitted, _: bytes) -> PhotoAnalysed:
    return PhotoAnalysed(photo_id=photo.photo_id, width=640, height=480, model="mask-1", faces=(FACE,))


@pytest.mark.parametrize("form", ["multipart", "base64", "data url"])
def test_a_photo_becomes_boxes(small_world: World, form: str) -> None:
    text = base64.b64encode(JPEG).decode()
    bodies: dict[str, dict[str, Any]] = {
        "multipart": {"data": {"image": (io.BytesIO(JPEG), "photo.jpg")}},
        "base64": {"json": {"image": text}},
        "data url": {"json": {"image": f"data:image/jpeg;base64,{text}"}},
    }
    with analysing(small_world, found) as seen:
        answer = small_world.call("POST", "/detections", small_world.token("guard"), **bodies[form])
    assert answer.status_code == 200, answer.text
    boxes = answer.get_json().pop("boxes")
    assert boxes == [{"label": "without_mask", "score": 0.91, "box": [0.1, 0.2, 0.3, 0.4], "face_score": 0.98}]
    assert (answer.get_json()["width"], answer.get_json()["model"]) == (640, "mask-1")
    assert seen == [JPEG]
    assert list((Path(small_world.settings.blobs_url.removeprefix("file://")) / "inbox").iterdir()) == []


@pytest.mark.parametrize(
    ("code", "status"),
    [("not_an_image", 422), ("truncated", 422), ("animated", 422), ("too_many_pixels", 413), ("too_large", 413)],
)
def test_what_the_worker_refuses_names_the_field(small_world: World, code: str, status: int) -> None:
    def refuse(photo: PhotoSubmitted, _: bytes) -> PhotoAnalysed:
        return PhotoAnalysed(
            photo_id=photo.photo_id, error=PhotoError(code=code, detail="expected a picture, got none")
        )

    with analysing(small_world, refuse):
        data = {"image": (small_world.picture(), "x.jpg")}
        answer = small_world.call("POST", "/detections", small_world.token("guard"), data=data)
    assert answer.status_code == status
    problem = answer.get_json()
    assert problem["type"] == f"#{code}"
    assert problem["errors"] == [{"field": "image", "message": "expected a picture, got none"}]


@pytest.mark.parametrize("code", ["busy", "no_model", "not_found"])
def test_what_is_not_the_pictures_fault_is_for_later(small_world: World, code: str) -> None:
    def refuse(photo: PhotoSubmitted, _: bytes) -> PhotoAnalysed:
        return PhotoAnalysed(photo_id=photo.photo_id, error=PhotoError(code=code, detail="64 pictures wait for mask"))

    with analysing(small_world, refuse):
        data = {"image": (small_world.picture(), "x.jpg")}
        answer = small_world.call("POST", "/detections", small_world.token("guard"), data=data)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_nobody_answers(sqlite_url: str, redis_url: str, tmp_path: Path) -> None:
    world = World(settings(tmp_path, sqlite_url, redis_url, photo_timeout_s=0.3))
    answer = world.call("POST", "/detections", world.token("guard"), data={"image": (world.picture(), "x.jpg")})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert list((tmp_path / "blobs" / "inbox").iterdir()) == []
    world.parts.close()


def test_redis_is_away(sqlite_url: str, tmp_path: Path) -> None:
    world = World(settings(tmp_path, sqlite_url, "redis://127.0.0.1:1/0"))
    answer = world.call("POST", "/detections", world.token("guard"), data={"image": (world.picture(), "x.jpg")})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    world.parts.close()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"data": {"picture": (io.BytesIO(JPEG), "x.jpg")}}, 422),
        ({"data": {"image": (io.BytesIO(b""), "x.jpg")}}, 422),
        ({"data": {"image": "no file"}, "content_type": "multipart/form-data"}, 422),
        ({"data": b"\xff\xd8", "content_type": "image/jpeg"}, 422),
        ({"data": b"", "content_type": "application/json"}, 422),
        ({"data": b"{", "content_type": "application/json"}, 422),
        ({"data": b"garbage", "content_type": "multipart/form-data"}, 422),
        ({"data": b"garbage", "content_type": "multipart/form-data; boundary=x"}, 422),
        ({"json": []}, 422),
        ({"json": {}}, 422),
        ({"json": {"image": 7}}, 422),
        ({"json": {"image": ""}}, 422),
        ({"json": {"image": "no base64!"}}, 422),
        ({"json": {"image": "ünïcode"}}, 422),
        ({"json": {"image": "data:text/html;base64,AAAA"}}, 422),
        ({"json": {"image": "data:image/png,AAAA"}}, 422),
        ({"json": {"image": "data:image/png;base64"}}, 422),
        ({"json": {"image": "AAAA", "url": "http://x/"}}, 422),
        ({"data": b"x" * (MAX_PHOTO_BYTES + 2**20), "content_type": "application/json"}, 413),
        ({"data": form_of(b"x" * (MAX_PHOTO_BYTES + 1)), "content_type": "multipart/form-data; boundary=x"}, 413),
    ],
)
def test_a_body_without_a_picture_is_refused_before_any_work(
    small_world: World, body: dict[str, Any], status: int
) -> None:
    answer = small_world.call("POST", "/detections", small_world.token("guard"), **body)
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.get_json()["errors"][0]["field"] in {"image", "url"}
    assert small_world.parts.bus.backlog(PhotoSubmitted) == 0


def test_a_photo_is_gone_once_it_was_answered(small_world: World) -> None:
    keys: list[str] = []

    def note(photo: PhotoSubmitted, picture: bytes) -> PhotoAnalysed:
        keys.append(photo.key)
        return found(photo, picture)

    with analysing(small_world, note):
        data = {"image": (small_world.picture(), "x.jpg")}
        small_world.call("POST", "/detections", small_world.token("guard"), data=data)
    with pytest.raises(NotFound):
        small_world.parts.blobs.get(keys[0])
