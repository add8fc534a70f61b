"""The doctor as a service: lines as they come, who may ask, how many at a time, and masks in its picture."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from shared_kernel.examination import LINES_TYPE, Line
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import Fault, RtspServer
from shared_kernel.testing.valkey import RedisServer
from stream_service.web.doctor import MAX_EXAMINATIONS
from tests.integration.stream_service.world import SERVICE_TOKEN, ApiDouble, StreamPart

LEFT_HALF = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer) -> Iterator[StreamPart]:
    """One process for all tests here; it needs no camera of its own."""
    api = ApiDouble()
    api.start()
    with StreamPart(tmp_path_factory.mktemp("doctor"), redis_server.url, api.url) as part:
        yield part
    api.stop()


def ask(stream: StreamPart, token: str = SERVICE_TOKEN, **body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{stream.url}/live/internal/doctor", json=body, headers=headers, timeout=30)


def test_stages_come_one_by_one_and_then_the_picture(stream: StreamPart, rtsp_server: RtspServer, clips: Path) -> None:
    url = rtsp_server.mount("new", clips / "plain.mp4", credentials=("admin", "secret"))
    answer = ask(stream, url=url.replace("//", "//admin:secret@"), privacy_masks=[LEFT_HALF])
    lines = [Line.model_validate(json.loads(line)) for line in answer.text.splitlines()]
    assert answer.headers["Content-Type"] == LINES_TYPE
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert all(line.finding is not None for line in lines[:-1])
    report = lines[-1].report
    assert report is not None
    assert report.ok
    assert (report.width, report.height, report.codec, report.playable) == (640, 360, "h264", True)
    assert "secret" not in answer.text
    jpeg = base64.b64decode((report.snapshot or "").partition(",")[2])
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture[100:300, 10:300].std() < 3.0  # covered
    assert picture[:, 330:].std() > 10.0
    assert "secret" not in stream.log.read_text()


def test_bad_questions_are_refused(stream: StreamPart) -> None:
    assert ask(stream, token="wrong", url="rtsp://10.0.0.1/").status_code == 401
    bad: list[dict[str, Any]] = [
        {},
        {"url": 7},
        {"url": ""},
        {"url": "x" * 3000},
        {"url": "rtsp://x/", "privacy_masks": [[[0, 0], [1, 1]]]},
        {"url": "rtsp://x/", "privacy_masks": [[[0, 0], [1, 1], [2, 2]]]},
    ]
    for body in bad:
        assert ask(stream, **body).status_code == 422, body
    for url in ("http://169.254.169.254/", "file:///etc/passwd", "pipe:0", f"http://[::1]:{stream.port}/metrics"):
        report = Line.model_validate_json(ask(stream, url=url).text.splitlines()[-1]).report
        assert report is not None
        assert report.reason in ("blocked_address", "file_outside")


def test_only_so_many_are_examined_at_a_time_and_who_leaves_makes_room(
    stream: StreamPart, rtsp_server: RtspServer, clips: Path
) -> None:
    url = rtsp_server.mount("slow", clips / "plain.mp4")
    rtsp_server.fail("slow", Fault.SILENT)
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(timeout=30, headers=headers))
        path = f"{stream.url}/live/internal/doctor"
        for _ in range(MAX_EXAMINATIONS):
            opened = stack.enter_context(client.stream("POST", path, json={"url": url}))
            assert next(opened.iter_lines())
        refused = ask(stream, url="rtsp://169.254.169.254/")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    wait_until(lambda: ask(stream, url="rtsp://169.254.169.254/").status_code == 200, 20)
