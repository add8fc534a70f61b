"""Answers of the web process are as its OpenAPI document says; a canned worker stands behind a real Redis."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from flask.testing import FlaskClient
from onnx import TensorProto, helper
from pydantic import SecretStr

from inference_service.app import make_web
from inference_service.packs.shelf import Shelf
from inference_service.settings import Settings
from inference_service.web.parts import WebParts
from inference_service.web.service import WebService
from inference_service.web.sessions import Sessions
from inference_service.web.submit import Submitter
from inference_service.web.turnstile import Turnstile
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.door import Door, Known
from shared_kernel.messages import Box, FoundObject, PhotoAnalysed, PhotoError, PhotoSubmitted
from tests.integration.miniprogram_api import openapi

TOKEN, KEY = "s" * 40, "t" * 40
_PACK = """\
name: {name}
version: "1.2"
task: {task}
title: {{zh: 试验, en: trial}}
licence: none
default: true
labels: [{{name: helmet, zh: 安全帽, en: helmet, colour: "#0072b2"}}, {{name: bare, violation: true}}]
input: {{width: 32, height: 32}}
decode: {{kind: {kind}}}
files: [{{path: net.onnx, sha256: {sha256}}}]
"""
_HELMET = FoundObject(label="helmet", score=0.75, box=Box(x0=0.1, y0=0.2, x1=0.3, y1=0.4))


class Everybody:
    """An API that lets everybody in."""

    def known(self, access_token: str) -> Known:
        return Known(user_id=access_token, permissions=frozenset({"photo.detect"}))

    def of(self, user_id: str) -> Known:
        return self.known(user_id)

    def holders(self, permission: str, user_ids: Iterable[str]) -> frozenset[str]:
        assert permission == "photo.detect"
        return frozenset(user_ids)


class CannedWorker(threading.Thread):
    """Answers by what the picture says: `fine`, or the code of an error."""

    def __init__(self, redis_url: str, blobs: Blobs) -> None:
        super().__init__(daemon=True)
        self.bus, self.blobs = Bus(redis_url), blobs
        self.stopping = threading.Event()
        self.seen: list[PhotoSubmitted] = []

    def run(self) -> None:
        subscription = self.bus.subscribe(PhotoSubmitted, "inference-service")
        while not self.stopping.is_set():
            for delivery in subscription.receive(block_ms=50):
                self.seen.append(delivery.message)
                self.bus.reply(delivery.message.photo_id, self._answer(delivery.message))
                subscription.ack(delivery)

    def _answer(self, photo: PhotoSubmitted) -> PhotoAnalysed:
        said = self.blobs.get(photo.key).decode()
        if said != "fine":
            return PhotoAnalysed(photo_id=photo.photo_id, error=PhotoError(code=said, detail="as it is"))
        key = ""
        if photo.annotate:
            key = f"{photo.key}.annotated.jpg"
            self.blobs.put(key, b"\xff\xd8 drawn")
        return PhotoAnalysed(
            photo_id=photo.photo_id,
            width=640,
            height=480,
            model=photo.model,
            version=photo.version,
            objects=(_HELMET,),
            elapsed_ms=3.14159,
            annotated_key=key,
        )


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs.open(f"file://{tmp_path}/blobs")


@pytest.fixture
def worker(redis_url: str, blobs: Blobs) -> Iterator[CannedWorker]:
    thread = CannedWorker(redis_url, blobs)
    thread.start()
    yield thread
    thread.stopping.set()
    thread.join()
    thread.bus.close()


@pytest.fixture
def patience_s() -> float:
    """How long a request waits for a worker."""
    return 10.0


@pytest.fixture
def client(tmp_path: Path, redis_url: str, blobs: Blobs, patience_s: float) -> Iterator[FlaskClient]:
    bus = Bus(redis_url)
    door = Door(Everybody(), TOKEN)
    parts = WebParts(
        shelf=_shelf(tmp_path),
        door=door,
        submitter=Submitter(bus, blobs, patience_s),
        sessions=Sessions(bus, door, "here", 4),
        turnstile=Turnstile(),
        ticket_key=KEY,
        checks={},
    )
    yield make_web(parts).test_client()
    bus.close()


def _shelf(folder: Path) -> Shelf:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [value("x", TensorProto.FLOAT, [1, 3, 32, 32])],
        [value("y", TensorProto.FLOAT, [1, 3, 32, 32])],
    )
    data = onnx.helper.make_model(graph).SerializeToString()
    for name, task, kind in (("things", "detect", "yolov8"), ("scenes", "classify", "classifier")):
        place = folder / "packs" / name
        place.mkdir(parents=True)
        (place / "net.onnx").write_bytes(data)
        text = _PACK.format(name=name, task=task, kind=kind, sha256=hashlib.sha256(data).hexdigest())
        (place / "model.yaml").write_text(text, encoding="utf-8")
    return Shelf(folder / "packs", folder / "weights", builtin=folder / "none")


def ask(client: FlaskClient, path: str, *pictures: bytes, json: bool = False) -> tuple[int, dict[str, Any]]:
    """Answer and status, checked against the document."""
    headers = {"Authorization": "Bearer guard-1"}
    if json:
        images = [base64.b64encode(one).decode() for one in pictures]
        answer = client.post(path, json={"images": images}, headers=headers)
    else:
        files = [(io.BytesIO(one), f"{number}.jpg") for number, one in enumerate(pictures)]
        answer = client.post(path, data={"image": files}, headers=headers)
    document = client.get("/infer/openapi.json").get_json()
    responses = document["paths"][path.partition("?")[0]]["post"]["responses"]
    assert str(answer.status_code) in responses, answer.text
    kind = "application/json" if answer.status_code == 200 else "application/problem+json"
    schema = responses[str(answer.status_code)]["content"][kind]["schema"]
    assert answer.mimetype == kind
    assert openapi.complaints(answer.get_json(), schema, document) == []
    return answer.status_code, answer.get_json()


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize(("route", "task"), [("detect?model=things", "detect"), ("classify", "classify")])
def test_what_was_found_is_told_as_documented(
    client: FlaskClient, worker: CannedWorker, route: str, task: str, json: bool
) -> None:
    status, body = ask(client, f"/infer/{route}", b"fine", b"truncated", b"fine", json=json)
    assert status == 200
    first, second, third = body["items"]
    assert first == {**third, "index": 0}
    assert first["boxes"] == [
        {
            "label": "helmet",
            "zh": "安全帽",
            "en": "helmet",
            "score": 0.75,
            "box": [0.1, 0.2, 0.3, 0.4],
            "violation": False,
            "colour": "#0072b2",
        }
    ]
    assert (first["elapsed_ms"], first["annotated"], second["error"]["code"]) == (3.1, None, "truncated")
    assert [(one.task, one.version, one.urgency, one.annotate) for one in worker.seen] == [
        (task, "1.2", "interactive", False)
    ] * 3


def test_parameters_reach_the_worker(client: FlaskClient, worker: CannedWorker) -> None:
    _, body = ask(client, "/infer/detect?model=things&version=1.2&min_score=0.5&result=base64&labels=en", b"fine")
    assert body["items"][0]["annotated"] == "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8 drawn").decode()
    [photo] = worker.seen
    assert (photo.model, photo.version, photo.min_score, photo.annotate, photo.language) == (
        "things", "1.2", 0.5, True, "en",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "status", "field"),
    [
        ("not_an_image", 422, "image"),
        ("truncated", 422, "image"),
        ("unsupported", 422, "image"),
        ("not_analysable", 422, "image"),
        ("too_large", 413, "image"),
        ("too_many_pixels", 413, "image"),
        ("no_model", 422, "model"),
        ("busy", 503, None),
        ("not_found", 503, None),
    ],
)
def test_the_error_of_an_only_picture_is_that_of_the_request(
    client: FlaskClient, worker: CannedWorker, code: str, status: int, field: str | None
) -> None:
    found, body = ask(client, "/infer/detect?model=things", code.encode())
    assert found == status
    assert [one["field"] for one in body["errors"]] == ([field] if field else [])


@pytest.mark.parametrize(("asked", "status"), [(0.24, 422), (0.25, 200)])
def test_a_score_below_the_models_own_is_refused_with_the_least_one(
    client: FlaskClient, worker: CannedWorker, asked: float, status: int
) -> None:
    found, body = ask(client, f"/infer/detect?model=things&min_score={asked}", b"fine")
    assert found == status
    if status != 200:
        [error] = body["errors"]
        assert error["field"] == "min_score"
        assert error["message"] == "expected at least 0.25, the threshold of model things, got 0.24"
        assert worker.seen == []


@pytest.mark.parametrize(
    "path", ["/infer/detect?surprise=1", "/infer/detect?model=none", "/infer/classify?model=things"]
)
def test_refusals_are_as_documented(client: FlaskClient, path: str) -> None:
    assert ask(client, path, b"fine")[0] == 422


@pytest.mark.parametrize("patience_s", [0.3])
@pytest.mark.parametrize("pictures", [(b"fine",), (b"fine", b"fine")])
def test_without_a_worker_a_request_ends_and_may_come_again(
    client: FlaskClient, pictures: tuple[bytes, ...], tmp_path: Path
) -> None:
    status, body = ask(client, "/infer/detect?model=things", *pictures)
    assert (status, body["type"]) == (504, "#no_answer")
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_examples_of_the_document_are_as_it_says(client: FlaskClient) -> None:
    document = client.get("/infer/openapi.json").get_json()
    checked = 0
    for path in document["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                for content in response.get("content", {}).values():
                    if "example" in content:
                        assert openapi.complaints(content["example"], content["schema"], document) == []
                        checked += 1
    assert checked == 3


def test_the_service_is_put_together(tmp_path: Path, redis_url: str) -> None:
    settings = Settings(
        redis_url=redis_url,
        blobs_url=f"file://{tmp_path}/blobs",
        service_token=SecretStr(TOKEN),
        ticket_key=SecretStr(KEY),
        weights_dir=tmp_path,
        packs_dir=tmp_path,
    )
    service = WebService(settings)
    service.start()
    answer = make_web(service.parts).test_client().get("/readyz")
    assert set(answer.get_json()["missing"]) <= {"weights"}  # whatever the project fetches
    service.close()
