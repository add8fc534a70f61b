"""Any replica of a service may be asked; one that is away is not noticed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from miniprogram_api.replicas import client_of
from miniprogram_api.stream_doctor import stream_client
from shared_kernel.testing.ports import free_port

TIMEOUT = httpx.Timeout(5.0, connect=1.0)


class Echo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def there() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_next_replica_is_asked_with_the_same_body(there: str) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with client_of(f"{nobody}, {there}", TIMEOUT) as client:
        assert [client.post("/x", json={"n": n}).json() for n in range(3)] == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_the_client_of_the_stream_service_takes_the_list_of_its_settings(there: str) -> None:
    with stream_client(f"http://127.0.0.1:{free_port()},{there}") as client:
        assert client.post("/x", content=b"abc").content == b"abc"


def test_one_replica_needs_no_list(there: str) -> None:
    with client_of(there, TIMEOUT) as client:
        assert client.post("/x", content=b"abc").content == b"abc"


def test_when_all_are_away_it_says_so() -> None:
    with (
        client_of(f"http://127.0.0.1:{free_port()},http://127.0.0.1:{free_port()}", TIMEOUT) as client,
        pytest.raises(httpx.ConnectError),
    ):
        client.post("/x")
