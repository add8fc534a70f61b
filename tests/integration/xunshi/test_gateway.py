"""nginx with the production template: what is cached, what is hidden, what a part that is away answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from shared_kernel.testing import free_port
from shared_kernel.testing.parts import Part, answers
from xunshi.places import DASHBOARD
from xunshi.stack import gateway
from xunshi.stack.folder import DataFolder

pytestmark = pytest.mark.skipif(not (DASHBOARD / "index.html").is_file(), reason="the dashboard is not built")


class Echo(BaseHTTPRequestHandler):
    """Says what it was asked."""

    def do_GET(self) -> None:
        body = f"{self.path} for {self.headers.get('X-Forwarded-For')} {self.headers.get('Upgrade', '-')}".encode()
        self.send_response(200)
        self.send_header("Cache-Control", "private, max-age=60")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = DataFolder.at(tmp_path_factory.mktemp("gateway with a blank"))
    folder.make()
    echo = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    port, there = free_port(), f"127.0.0.1:{echo.server_port}"
    nobody = f"127.0.0.1:{free_port()}"
    upstreams = gateway.Upstreams(there, (nobody, there), nobody, there)
    command = gateway.command(folder, f"127.0.0.1:{port}", upstreams)
    nginx = Part("nginx", command, ready=lambda: answers(port), log=folder.logs / "gateway.log")
    with nginx, httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as made:
        yield made
    echo.shutdown()
    echo.server_close()


@pytest.mark.parametrize("path", ["/", "/cameras", "/events/deep/link"])
def test_every_page_is_the_application_and_never_kept(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.text == (DASHBOARD / "index.html").read_text()
    assert answer.headers["Cache-Control"] == "no-cache"


def test_built_files_are_kept_for_ever_and_sent_small(client: httpx.Client) -> None:
    script = max((DASHBOARD / "assets").glob("*.js"), key=lambda path: path.stat().st_size)
    answer = client.get(f"/assets/{script.name}", headers={"Accept-Encoding": "gzip"})
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"].startswith("text/javascript")


def test_a_replica_that_is_away_is_not_noticed(client: httpx.Client) -> None:
    assert {client.get("/live/cameras/gate/snapshot.jpg").status_code for _ in range(4)} == {200}


def test_a_missing_built_file_is_missing(client: httpx.Client) -> None:
    assert client.get("/assets/old-1234.js").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/internal/cameras",
        "/api/v1/internal",
        "/live/internal/doctor",
        "/api/v1//internal/cameras",
        "/api/v1/x/../internal/cameras",
        "/api/v1/%69nternal/cameras",
        "/metrics",
        "/readyz",
        "/healthz",
    ],
)
def test_what_services_tell_each_other_stays_inside(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/cameras", "/live/cameras/x/snapshot.jpg"])
def test_services_are_reached_and_decide_on_caching(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"X-Forwarded-For": "6.6.6.6"})
    assert answer.text.startswith(f"{path} for 127.0.0.1 ")
    assert answer.headers.get_list("Cache-Control") == ["private, max-age=60"]


def test_a_websocket_is_upgraded(client: httpx.Client) -> None:
    answer = client.get("/live/cameras/x/stream", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
    assert answer.text.endswith(" websocket")


def test_a_part_that_is_away_is_a_problem_document(client: httpx.Client) -> None:
    answer = client.get("/infer/models")
    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.headers["Retry-After"] == "2"
    assert answer.json()["status"] == 503


def test_a_body_that_is_too_large_is_a_problem_document(client: httpx.Client) -> None:
    assert client.post("/api/v1/detections", content=bytes(19 * 1024 * 1024)).status_code == 200
    answer = client.post("/api/v1/detections", content=bytes(21 * 1024 * 1024))
    assert answer.status_code == 413
    assert answer.json()["title"] == "Too large"


def test_sixteen_pictures_may_be_larger_than_one(client: httpx.Client) -> None:
    """Nobody is behind /infer/ here, so what is let through ends as a part that is away."""
    assert client.post("/infer/detect", content=bytes(21 * 1024 * 1024)).status_code == 503
    answer = client.post("/infer/detect", content=bytes(64 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert "64 MB" in answer.json()["detail"]


def test_photos_of_faces_may_come_in_a_batch_and_an_import_may_be_large(client: httpx.Client) -> None:
    for path, allowed_mib in (("/faces/search/batch", 64), ("/faces/persons", 64), ("/faces/imports", 80)):
        assert client.post(path, content=bytes(allowed_mib * 1024 * 1024)).text.startswith(path)
    for path in ("/faces/search/batch", "/faces/persons"):
        answer = client.post(path, content=bytes(64 * 1024 * 1024 + 1))
        assert (answer.status_code, "64 MB" in answer.json()["detail"]) == (413, True)


def test_who_tries_out_faces_is_slowed_down(client: httpx.Client) -> None:
    answers = [client.post("/faces/compare", content=b"x") for _ in range(200)]
    refused = [one for one in answers if one.status_code == 429]
    assert refused
    assert refused[0].json()["type"] == "#throttled"
    assert refused[0].headers["Retry-After"] == "1"
    assert client.get("/faces/persons").status_code == 200, "looking at what is there is not limited"


@pytest.mark.parametrize("path", ["/", "/assets/none.js", "/api/v1/cameras", "/infer/models", "/infer/live"])
def test_every_answer_carries_the_security_headers(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_configuration_is_only_for_its_owner(tmp_path: Path) -> None:
    folder = DataFolder.at(tmp_path)
    folder.make()
    gateway.command(folder, "127.0.0.1:1", gateway.Upstreams("a:1", ("b:1",), "c:1", "d:1"))
    assert (folder.run / "nginx.conf").stat().st_mode & 0o077 == 0
