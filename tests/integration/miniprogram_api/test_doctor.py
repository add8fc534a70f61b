"""The doctor as users reach it: who may, what is passed on, by lines or whole, what happens when it breaks off."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from miniprogram_api.stream_doctor import stream_client
from shared_kernel.examination import LINES_TYPE
from tests.integration.miniprogram_api.world import SERVICE_TOKEN, World

NAME = {"zh": "建立连接", "en": "Connection"}
FINDINGS = [
    {"stage": "connect", "name": NAME, "status": "running"},
    {"stage": "connect", "name": NAME, "status": "failed", "took_ms": 5, "problem": NAME, "advice": NAME},
]
REPORT = {"ok": False, "reason": "refused", "detail": "no", "findings": [FINDINGS[1]], "elapsed_ms": 7}
MASK = [[0.0, 0.0], [0.5, 0.0], [0.5, 0.5]]


class Double(BaseHTTPRequestHandler):
    """Plays stream-service: answers by what the address asks for."""

    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        assert self.headers["Authorization"] == f"Bearer {SERVICE_TOKEN}"
        assert self.path == "/live/internal/doctor"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        lines = [json.dumps({"finding": one}) for one in FINDINGS]
        status, text = {
            "broken": (500, ""),
            "odd": (200, "<html>\n"),
            "short": (200, lines[0] + "\n"),
            "busy": (429, "{}"),
        }.get(body["url"].rpartition("/")[2], (200, "\n".join([*lines, json.dumps({"report": REPORT})]) + "\n"))
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def asked(small_world: World) -> Iterator[list[dict[str, Any]]]:
    """What stream-service was asked for."""
    bodies: list[dict[str, Any]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Double,), {"asked": bodies}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    client = stream_client(f"http://127.0.0.1:{server.server_port}")
    object.__setattr__(small_world.parts, "stream_service", client)
    yield bodies
    client.close()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_report_is_passed_on(small_world: World, asked: list[dict[str, Any]]) -> None:
    token = small_world.token()
    answer = small_world.call("POST", "/cameras/test", token, json={"url": "rtsp://h/s"})
    assert answer.status_code == 200
    report = answer.get_json()
    assert (report["ok"], report["reason"], report["findings"][0]["problem"]["zh"]) == (False, "refused", NAME["zh"])
    assert asked == [{"url": "rtsp://h/s", "privacy_masks": []}]


def test_stages_come_line_by_line(small_world: World, asked: list[dict[str, Any]]) -> None:
    token = small_world.token()
    headers = {"Accept": LINES_TYPE}
    answer = small_world.call("POST", "/cameras/test", token, json={"url": "rtsp://h/s"}, headers=headers)
    lines = [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]
    assert answer.mimetype == LINES_TYPE
    assert [line["finding"]["status"] for line in lines[:-1]] == ["running", "failed"]
    assert lines[-1]["report"]["elapsed_ms"] == 7
    assert len(asked) == 1


@pytest.mark.parametrize(("what", "status"), [("odd", 503), ("broken", 503), ("short", 503), ("busy", 429)])
def test_a_doctor_that_fails_is_told_of(
    small_world: World, asked: list[dict[str, Any]], what: str, status: int
) -> None:
    answer = small_world.call("POST", "/cameras/test", small_world.token(), json={"url": f"rtsp://h/{what}"})
    assert answer.status_code == status
    assert answer.headers["Retry-After"] == ("7" if what == "busy" else "2")
    assert asked


def test_lines_that_break_off_end_without_a_report(small_world: World, asked: list[dict[str, Any]]) -> None:
    headers = {"Accept": LINES_TYPE}
    for what, count in (("short", 1), ("odd", 0)):
        given = {"url": f"rtsp://h/{what}"}
        answer = small_world.call("POST", "/cameras/test", small_world.token(), json=given, headers=headers)
        assert (answer.status_code, len(answer.get_data(as_text=True).splitlines())) == (200, count)
    assert len(asked) == 2


def test_a_saved_camera_is_examined_with_its_login_and_its_masks(
    small_world: World, asked: list[dict[str, Any]]
) -> None:
    token = small_world.token()
    camera_id = small_world.camera(token)
    changed = {"privacy_masks": [MASK], "detect_url": "rtsp://eye:secret@10.0.0.1/sub"}
    assert small_world.call("PATCH", f"/cameras/{camera_id}", token, json=changed).status_code == 200
    for stream in ("main", "detect"):
        path = f"/cameras/{camera_id}/doctor"
        assert small_world.call("POST", path, token, json={"stream": stream}).status_code == 200
    assert [one["url"] for one in asked] == ["rtsp://eye:secret@10.0.0.1/stream", "rtsp://eye:secret@10.0.0.1/sub"]
    assert all(one["privacy_masks"] == [MASK] for one in asked)


def test_who_may_not_manage_cameras_learns_nothing(small_world: World, asked: list[dict[str, Any]]) -> None:
    camera_id = small_world.camera(small_world.token())
    guard = small_world.user("guard")
    small_world.grant(camera_id, guard)
    token = small_world.log_in(guard)["access_token"]
    assert small_world.call("POST", "/cameras/test", token, json={"url": "rtsp://h/s"}).status_code == 403
    assert small_world.call("POST", f"/cameras/{camera_id}/doctor", token, json={}).status_code == 403
    unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    manager = small_world.token()
    assert small_world.call("POST", f"/cameras/{unknown}/doctor", manager, json={}).status_code == 404
    bodies: list[dict[str, Any]] = [{"stream": "other"}, {"url": "rtsp://x/"}]
    for body in bodies:
        assert small_world.call("POST", f"/cameras/{camera_id}/doctor", manager, json=body).status_code == 422
    answer = small_world.call("POST", f"/cameras/{camera_id}/doctor", manager, json={"stream": "detect"})
    assert answer.status_code == 409
    assert asked == []
