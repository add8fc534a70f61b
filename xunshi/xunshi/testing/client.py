"""A small client of the API, as an integrator would write one: login, cameras, passes, counters, live events."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Self

import httpx

_TIMEOUT_S = 20.0
_UPLOAD_TIMEOUT_S = 120.0
_UNAUTHORISED = 401


@dataclass(frozen=True)
class LiveEvent:
    """One server-sent event. `received_at` is Unix time in seconds."""

    event_id: str
    kind: str
    data: dict[str, Any]
    received_at: float


class ApiClient:
    """Raises httpx.HTTPStatusError for every answer that is not 2xx. Paths are below /api/v1, or whole: /faces/…"""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1", timeout=_TIMEOUT_S, trust_env=False)
        self._login = ("", "")

    def close(self) -> None:
        self._http.close()

    def try_log_in(self, username: str, password: str) -> bool:
        """Whether the password is right."""
        answer = self._http.post("/auth/login", json={"username": username, "password": password})
        if answer.status_code == _UNAUTHORISED:
            return False
        answer.raise_for_status()
        self._login = (username, password)
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return True

    def log_in(self, username: str, password: str) -> None:
        if not self.try_log_in(username, password):
            raise PermissionError(f"login as {username}: expected success, got 401")

    def log_in_again(self) -> None:
        """A new access token, for runs that are longer than one lives."""
        self.log_in(*self._login)

    def change_password(self, current: str, new: str) -> None:
        self.post("/me/password", {"current_password": current, "new_password": new})

    def get(self, path: str, **query: Any) -> Any:
        """JSON of a GET."""
        answer = self._http.get(self._whole(path), params=query)
        answer.raise_for_status()
        return answer.json()

    def get_bytes(self, path: str) -> bytes:
        """Body of a GET; `path` may be a whole path of this origin."""
        answer = self._http.get(httpx.URL(path) if path.startswith("http") else self._whole(path))
        answer.raise_for_status()
        return answer.content

    def post(self, path: str, body: Any) -> Any:
        answer = self._http.post(self._whole(path), json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def post_photo(self, path: str, photo: bytes, **fields: str) -> Any:
        """JSON of a POST with a form: one file `photo`, and text."""
        return self.post_file(path, "photo", "photo", photo, **fields)

    def post_file(self, path: str, field: str, name: str, content: bytes | IO[bytes], **fields: str) -> Any:
        """JSON of a POST with a form: one file called `name`, and text. A large one is given long."""
        sent = {field: (name, content)}
        answer = self._http.post(self._whole(path), files=sent, data=fields, timeout=_UPLOAD_TIMEOUT_S)
        answer.raise_for_status()
        return answer.json()

    def patch(self, path: str, body: Any) -> Any:
        answer = self._http.patch(path, json=body)
        answer.raise_for_status()
        return answer.json()

    def delete(self, path: str) -> None:
        self._http.delete(path).raise_for_status()

    def add_camera(self, name: str, url: str) -> str:
        """Its id."""
        return str(self.post("/cameras", {"name": name, "url": url})["camera_id"])

    def camera(self, camera_id: str) -> dict[str, Any]:
        return dict(self.get(f"/cameras/{camera_id}"))

    def passes(self, **query: Any) -> list[dict[str, Any]]:
        """All of them, newest first."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get("/passes", limit=100, **query)
            found += page["items"]
            if page["next"] is None:
                return found
            query["after"] = page["next"]

    def listen(self) -> EventListener:
        """Live events from now on."""
        return EventListener(self)

    def event_lines(self) -> httpx.Client:
        """A client of its own for a stream without an end."""
        return httpx.Client(base_url=self._http.base_url, timeout=httpx.Timeout(_TIMEOUT_S, read=60.0), trust_env=False)

    def _whole(self, path: str) -> str:
        origin = str(self._http.base_url).removesuffix("/").removesuffix("/api/v1")
        return f"{origin}{path}" if path.startswith(("/api/", "/live/", "/infer/", "/faces/")) else path


class EventListener:
    """Reads server-sent events in a thread; `with client.listen() as listener:`."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self.events: list[LiveEvent] = []
        self.connected = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="live events", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self.connected.wait(_TIMEOUT_S):
            raise TimeoutError(f"live events: expected a connection within {_TIMEOUT_S} s, got none")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _read(self) -> None:
        ticket = self._client.post("/event-tickets", {})["ticket"]
        with (
            contextlib.suppress(httpx.TransportError),  # the stack may end before the listener: no failure of a test
            self._client.event_lines() as http,
            http.stream("GET", "/events", params={"ticket": ticket}) as answer,
        ):
            answer.raise_for_status()
            self.connected.set()
            self._take(answer.iter_lines())

    def _take(self, lines: Iterator[str]) -> None:
        fields: dict[str, str] = {}
        for line in lines:
            if self._stop.is_set():
                return
            name, _, value = line.partition(": ")
            if line and name:
                fields[name] = value
            elif fields.get("data"):
                data = json.loads(fields["data"])
                self.events.append(LiveEvent(fields.get("id", ""), fields.get("event", ""), data, time.time()))
                fields = {}
