"""POST /infer/detect and /infer/classify through the real web process, a real Redis and a real worker."""

from __future__ import annotations

import base64
import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from shared_kernel.messages import new_id
from shared_kernel.testing.faces import jpeg, scene
from shared_kernel.testing.valkey import RedisServer
from tests.integration.inference_service.processes import FRAME, WorkerProcess
from tests.integration.inference_service.web_world import SERVICE_TOKEN, UsersDouble, WebProcess

EMPTY = jpeg(scene())
_MAX_BYTES = 20 * 1024 * 1024


@pytest.fixture(scope="module")
def users() -> Iterator[UsersDouble]:
    double = UsersDouble()
    double.start()
    yield double
    double.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web")


@pytest.fixture(scope="module")
def web(redis_server: RedisServer, folder: Path, weights_dir: Path, users: UsersDouble) -> Iterator[WebProcess]:
    """The web process with a worker beside it."""
    with (
        WebProcess(redis_server.url, folder, weights_dir, users.url) as running,
        WorkerProcess("worker", redis_server.url, folder, weights_dir),
    ):
        yield running
    log = running.log.read_text()
    assert "level=error" not in log, log[-3000:]


@pytest.fixture(autouse=True)
def nothing_is_left_behind(web: WebProcess, folder: Path) -> Iterator[None]:
    """Whatever a request sent is removed again; only annotated pictures with a link stay for a while."""
    yield
    left = [path.name for path in (folder / "blobs").rglob("*") if path.is_file()]
    assert [name for name in left if not name.endswith(".annotated.jpg")] == []


def items(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def picture(url: str) -> np.ndarray:
    assert url.startswith("data:image/jpeg;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def test_boxes_come_with_words_and_colours(web: WebProcess) -> None:
    [found] = items(web.detect(FRAME))
    assert (found["width"], found["height"], found["model"], found["error"]) == (640, 480, "mask", None)
    boxes = sorted(found["boxes"], key=lambda box: box["box"][0])
    assert [(box["label"], box["violation"]) for box in boxes] == [("with_mask", False), ("without_mask", True)]
    assert boxes[1]["zh"] == "未佩戴口罩"
    assert all(0 <= edge <= 1 for box in boxes for edge in box["box"])
    assert found["elapsed_ms"] > 0
    assert found["annotated"] is None


def test_sixteen_pictures_are_answered_in_their_order(web: WebProcess) -> None:
    sent = [FRAME if number % 2 else EMPTY for number in range(16)]
    sent[5] = b"no picture"
    found = items(web.detect(*sent))
    assert [one["index"] for one in found] == list(range(16))
    assert [len(one["boxes"]) for one in found] == [0 if number == 5 else 2 * (number % 2) for number in range(16)]
    assert [one["error"] and one["error"]["code"] for one in found] == [None] * 5 + ["not_an_image"] + [None] * 10


@pytest.mark.parametrize("result", ["base64", "url"])
def test_annotated_pictures_come_as_data_or_as_link(web: WebProcess, result: str, folder: Path) -> None:
    first, second = items(web.detect(FRAME, EMPTY, result=result, labels="en"))
    if result == "base64":
        drawn, plain = picture(first["annotated"]), picture(second["annotated"])
        assert not list((folder / "blobs").rglob("*.annotated.jpg"))
    else:
        answers = [httpx.get(web.url + one["annotated"], trust_env=False) for one in (first, second)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].headers["Content-Type"] == "image/jpeg"
        assert "private" in answers[0].headers["Cache-Control"]
        drawn, plain = (np.asarray(Image.open(io.BytesIO(answer.content))) for answer in answers)
        for path in (folder / "blobs").rglob("*.annotated.jpg"):
            path.unlink()
        assert httpx.get(web.url + first["annotated"], trust_env=False).status_code == 404
    original = np.asarray(Image.open(io.BytesIO(FRAME)))
    assert drawn.shape == original.shape
    assert np.abs(drawn.astype(int) - original).max() > 150
    assert np.abs(plain.astype(int) - np.asarray(Image.open(io.BytesIO(EMPTY)))).mean() < 3


def test_a_link_opens_one_picture_for_as_long_as_the_right_stands(web: WebProcess, users: UsersDouble) -> None:
    first, second = items(web.detect(FRAME, EMPTY, result="url", token="guard-link"))
    path, _, ticket = first["annotated"].partition("?")
    other = second["annotated"].partition("?")[0]

    def status(address: str) -> int:
        return httpx.get(web.url + address, trust_env=False).status_code

    assert status(f"{other}?{ticket}") == 401
    assert status(path) == 422
    assert status(f"{path}?ticket=x") == 401
    users.withdrawn.add("guard-link")
    assert status(first["annotated"]) == 403


def test_json_takes_base64_and_data_urls(web: WebProcess) -> None:
    text = base64.b64encode(FRAME).decode()
    images = [text, f"data:image/jpeg;base64,{text}", "data:text/plain;base64,QQ==", "§§§", ""]
    answer = httpx.post(
        f"{web.url}/infer/detect",
        json={"images": images},
        headers={"Authorization": f"Bearer {SERVICE_TOKEN}"},
        timeout=30,
        trust_env=False,
    )
    found = items(answer)
    assert [len(one["boxes"]) for one in found] == [2, 2, 0, 0, 0]
    assert [one["error"] is None for one in found] == [True, True, False, False, False]


def test_a_score_can_be_asked_for(web: WebProcess) -> None:
    [everything], [nothing] = items(web.detect(FRAME)), items(web.detect(FRAME, min_score=1))
    assert everything["boxes"]
    assert nothing["boxes"] == []


def test_objects_are_found_by_the_model_for_them(web: WebProcess) -> None:
    [found] = items(web.detect(FRAME, model="coco80"))
    assert found["model"] == "coco80"


@pytest.mark.parametrize(
    ("name", "data", "status", "code"),
    [
        ("no picture", b"hello", 422, "#not_an_image"),
        ("nothing", b"", 422, "#not_an_image"),
        ("half a picture", FRAME[: len(FRAME) // 2], 422, "#truncated"),
        ("a PDF", b"%PDF-1.7 ...", 422, "#unsupported"),
        ("too many bytes", FRAME + bytes(_MAX_BYTES), 413, "#too_large"),
        (
            "too many pixels",
            b"GIF89a\xff\xff\xff\xff\x00\x00\x00\x2c\x00\x00\x00\x00\xff\xff\xff\xff\x08\x02\x00\x01\x00;",
            413,
            "#too_many_pixels",
        ),
    ],
)
def test_an_only_picture_that_cannot_be_read_is_a_problem(
    web: WebProcess, name: str, data: bytes, status: int, code: str
) -> None:
    answer = web.detect(data)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, code)
    assert problem["errors"][0]["field"] == "image"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"model": "no-such-model"}, "model"),
        ({"model": "../etc"}, "model"),
        ({"model": "mask", "version": "99.0"}, "model"),
        ({"version": "1.0"}, "version"),
        ({"min_score": "1.5"}, "min_score"),
        ({"min_score": "nan"}, "min_score"),
        ({"min_score": "0.1"}, "min_score"),
        ({"result": "xml"}, "result"),
        ({"labels": "fr"}, "labels"),
        ({"surprise": "1"}, "surprise"),
    ],
)
def test_wrong_parameters_are_named(web: WebProcess, query: dict[str, str], field: str) -> None:
    answer = web.detect(FRAME, **query)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_model_of_another_task_is_refused(web: WebProcess) -> None:
    answer = web.detect(FRAME, route="classify", model="mask")
    assert answer.status_code == 422
    assert "which is for state" in answer.json()["detail"]


def test_without_a_classifier_there_is_nothing_to_ask(web: WebProcess) -> None:
    answer = web.detect(FRAME, route="classify")
    assert (answer.status_code, answer.json()["type"]) == (422, "#no_model")


@pytest.mark.parametrize(
    ("token", "status"), [(None, 401), ("nobody", 401), (SERVICE_TOKEN + "x", 200), ("guard-9", 200)]
)
def test_the_door_asks_the_api(web: WebProcess, token: str | None, status: int) -> None:
    """Here every text but `nobody` is somebody's token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.post(f"{web.url}/infer/detect", files={"image": EMPTY}, headers=headers, timeout=30, trust_env=False)
    assert answer.status_code == status


def test_who_lacks_the_permission_is_refused_before_the_body_is_read(web: WebProcess, users: UsersDouble) -> None:
    users.permissions = ["pass.read"]
    try:
        assert web.detect(FRAME, token=new_id()).status_code == 403
    finally:
        users.permissions = ["photo.detect"]


@pytest.mark.parametrize(
    ("body", "content_type", "field"),
    [
        (b"{}", "application/json", "images"),
        (b'{"images": []}', "application/json", "images"),
        (b'{"images": [1]}', "application/json", "images.0"),
        (b'{"images": ["QQ=="], "model": "mask"}', "application/json", "model"),
        (b"not json", "application/json", "images"),
        (b"[" * 100_000, "application/json", None),
        (b"a=b", "application/x-www-form-urlencoded", "image"),
        (b"x", "image/jpeg", "image"),
        (b"broken", "multipart/form-data; boundary=x", "image"),
    ],
)
def test_wrong_bodies_are_refused(web: WebProcess, body: bytes, content_type: str, field: str | None) -> None:
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}", "Content-Type": content_type}
    answer = httpx.post(f"{web.url}/infer/detect", content=body, headers=headers, timeout=30, trust_env=False)
    assert answer.status_code in {400, 422}
    assert [error["field"] for error in answer.json()["errors"]] == ([field] if field else [])


def test_seventeen_pictures_and_other_fields_are_refused(web: WebProcess) -> None:
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    answer = web.detect(*[EMPTY] * 17)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "image")
    for extra in ({"files": {"photo": EMPTY}}, {"files": {"image": EMPTY}, "data": {"model": "mask"}}):
        sent: Any = extra
        answer = httpx.post(f"{web.url}/infer/detect", headers=headers, timeout=30, trust_env=False, **sent)
        assert answer.status_code == 422


def test_a_body_beyond_the_limit_is_refused_before_it_is_sent(web: WebProcess) -> None:
    """The client says 65 MiB and sends nothing: the answer comes all the same."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        head = (
            f"POST /infer/detect HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SERVICE_TOKEN}\r\n"
            f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {65 * 1024 * 1024}\r\n\r\n"
        )
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_live_ticket_opens_what_it_says(web: WebProcess) -> None:
    answer = httpx.post(
        f"{web.url}/infer/live-ticket", headers={"Authorization": "Bearer guard-1"}, timeout=30, trust_env=False
    )
    assert set(answer.json()) == {"ticket", "expires_in", "path"}
    assert httpx.post(f"{web.url}/infer/live-ticket", trust_env=False).status_code == 401
