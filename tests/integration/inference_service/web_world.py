"""What surrounds the web process in its tests: the API as it answers here, the process, a live client."""

from __future__ import annotations

import http.client
import json
import struct
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from simple_websocket import Client, ConnectionClosed

from shared_kernel.auth import Ticket, sign_ticket
from shared_kernel.messages import new_id
from shared_kernel.testing import free_port, wait_until
from shared_kernel.testing.parts import Part

SERVICE_TOKEN, TICKET_KEY = "service-token-" + "s" * 32, "ticket-key-" + "t" * 32


class UsersDouble:
    """The two internal routes of miniprogram-api that inference-service calls, over real HTTP.

    An access token is the user's id; `nobody` stands for a wrong one. tests/contract holds it to the real API.
    """

    def __init__(self) -> None:
        self.permissions = ["photo.detect"]
        self.withdrawn: set[str] = set()
        self.port = free_port()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.headers["Authorization"] != f"Bearer {SERVICE_TOKEN}":
                    self._answer(401, {"type": "#service_token"})
                elif self.path.endswith("/holders"):
                    self._answer(200, {"user_ids": [one for one in given["user_ids"] if one not in double.withdrawn]})
                elif self.path.endswith("/users"):
                    asked = [one for one in given["user_ids"] if one not in double.withdrawn]
                    known = [{"user_id": one, "permissions": double.permissions, "cameras": []} for one in asked]
                    self._answer(200, {"items": known})
                elif given["access_token"] == "nobody":
                    self._answer(401, {"type": "#access_token"})
                else:
                    self._answer(200, {"user_id": given["access_token"], "permissions": double.permissions})

            def _answer(self, status: int, document: object) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class WebProcess(Part):
    """`python -m inference_service web`."""

    def __init__(self, redis_url: str, folder: Path, weights_dir: Path, api_url: str, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {
            "INFERENCE_REDIS_URL": redis_url,
            "INFERENCE_BLOBS_URL": f"file://{folder}/blobs",
            "INFERENCE_SERVICE_TOKEN": SERVICE_TOKEN,
            "INFERENCE_TICKET_KEY": TICKET_KEY,
            "INFERENCE_WEIGHTS_DIR": str(weights_dir),
            "INFERENCE_PACKS_DIR": str(folder / "packs"),
            "INFERENCE_API_URL": api_url,
            "INFERENCE_PORT": str(self.port),
            **settings,
        }
        super().__init__(
            "infer-web",
            [sys.executable, "-m", "inference_service", "web"],
            ready=lambda: self.ask("GET", "/readyz")[0] == 200,
            log=folder / "infer-web.log",
            environment=environment,
        )

    def ask(self, method: str, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def detect(self, *pictures: bytes, token: str = "guard-1", route: str = "detect", **query: Any) -> httpx.Response:
        """The pictures as files of a form."""
        return httpx.post(
            f"{self.url}/infer/{route}",
            params=query,
            files=[("image", (f"{number}.jpg", data)) for number, data in enumerate(pictures)],
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            trust_env=False,
        )


class _Socket(Client):  # type: ignore[misc]
    """simple_websocket loses messages that come together with the handshake; this one looks at them first."""

    def _thread(self) -> None:
        self.connected = self._handle_events()
        super()._thread()


#: A message may take this long on a busy machine, seconds.
PATIENCE_S = 30.0


class LiveClient:
    """A client of WS /infer/live that keeps to its credits, unless told otherwise."""

    def __init__(self, web: WebProcess, user: str = "", *, ticket: str | None = None, **query: Any) -> None:
        """Of a user of its own, unless one is named."""
        given = ticket or sign_ticket(TICKET_KEY, Ticket("infer", user or new_id(), "live"), ttl_s=60)
        address = f"ws://127.0.0.1:{web.port}/infer/live?{urlencode({'ticket': given, **query})}"
        self.socket = _Socket(address)
        self.credits = 0
        self.seen: list[dict[str, Any]] = []

    def read(self, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """The next message but `stat`.

        Raises:
            TimeoutError: none came.
            ConnectionClosed: the connection is over.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            text = self.socket.receive(timeout=max(0.0, until_s - time.monotonic()))
            if text is None:
                raise TimeoutError(f"expected a message within {timeout_s} s, got none; before: {self.seen[-5:]}")
            message: dict[str, Any] = json.loads(text)
            self.seen.append(message)
            if message["type"] == "credit":
                self.credits += message["n"]
            if message["type"] != "stat":
                return message

    def read_until(self, kind: str, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        while (message := self.read(timeout_s))["type"] != kind:
            pass
        return message

    def stats(self, count: int) -> list[dict[str, Any]]:
        """The next `stat` messages."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            text = self.socket.receive(timeout=5)
            if text is None:
                raise TimeoutError("expected a stat within 5 s, got none")
            found += [message for message in [json.loads(text)] if message["type"] == "stat"]
        return found

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def put(self, frame_no: int, jpeg: bytes, captured_ms: int = 1_800_000_000_000) -> None:
        self.socket.send(struct.pack("!IQ", frame_no, captured_ms) + jpeg)
        self.credits -= 1

    def stream(self, frames: Sequence[tuple[int, bytes]]) -> list[dict[str, Any]]:
        """Send all, waiting for credits; give their results."""
        results: list[dict[str, Any]] = []
        waiting = list(frames)
        while len(results) < len(frames):
            while waiting and self.credits:
                self.put(*waiting.pop(0))
            message = self.read()
            if message["type"] == "result":
                results.append(message)
        return results

    def close_code(self, timeout_s: float = PATIENCE_S) -> int:
        """The code with which the server ended it."""
        try:
            while True:
                self.read(timeout_s)
        except ConnectionClosed as closed:
            return int(closed.reason)

    def drop(self) -> None:
        """Vanish without a word, as a phone in a tunnel does."""
        self.socket.sock.close()
        wait_until(lambda: not self.socket.connected)

    def close(self) -> None:
        if self.socket.connected:
            self.socket.close()
