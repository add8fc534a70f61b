"""The service in one process, over a real database and a real Redis: users, cameras and passes in a line each."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from pydantic import SecretStr
from werkzeug.test import TestResponse

from miniprogram_api import recorder
from miniprogram_api.app import create_app
from miniprogram_api.bootstrap import make_parts
from miniprogram_api.organisations import add_organisation
from miniprogram_api.passwords import Passwords
from miniprogram_api.permissions import Permission, kept
from miniprogram_api.record import record_pass
from miniprogram_api.settings import Settings
from miniprogram_api.users import create_user
from shared_kernel.archive import Archive, Limits
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.messages import Box, Evidence, MaskState, Message, PassObserved, new_id
from shared_kernel.tables import ROOT_ORG_ID, CameraGrant, Role
from tests.integration.miniprogram_api import openapi

PASSWORD = "correct horse battery"
JPEG = b"\xff\xd8\xff\xe0 not decoded by anybody here \xff\xd9"
SERVICE_TOKEN = "s" * 40
TICKET_KEY = "t" * 40


def settings(folder: Path, database_url: str, redis_url: str, **others: Any) -> Settings:
    return Settings(
        database_url=SecretStr(database_url),
        redis_url=redis_url,
        blobs_url=f"file://{folder}/blobs",
        service_token=SecretStr(SERVICE_TOKEN),
        ticket_key=SecretStr(TICKET_KEY),
        jwt_key=SecretStr("j" * 40),
        url_key=SecretStr(Fernet.generate_key().decode()),
        photo_timeout_s=others.pop("photo_timeout_s", 5.0),
        **others,
    )


class World:
    """Everything a behaviour test needs. Answers are checked against the OpenAPI document on the way."""

    def __init__(self, given: Settings) -> None:
        self.settings = given
        # checking a password takes long on purpose; tests do it hundreds of times
        parts = make_parts(given)
        # nor does a test wait for a store that is away
        archive = Archive(parts.blobs, Limits(deadline_s=3.0))
        self.parts = replace(parts, passwords=Passwords(rounds=1, memory_kib=64), archive=archive)
        self.app = create_app(self.parts)
        self.database = self.parts.database
        self._encoded = self.parts.passwords.hash(PASSWORD)
        with self.app.app_context():
            self.document: dict[str, Any] = json.loads(json.dumps(self.app.spec))
        self._rules = self.app.url_map.bind("localhost")

    def call(self, method: str, path: str, token: str | None = None, **others: Any) -> TestResponse:
        """A request under /api/v1 with an access token."""
        headers = dict(others.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        path = path if path.startswith("/api/") else f"/api/v1{path}"
        answer = self.app.test_client(use_cookies=False).open(path, method=method, headers=headers, **others)
        openapi.check(answer, self._rules, self.document)
        return answer

    def user(
        self,
        role: str = "administrator",
        username: str | None = None,
        *,
        must_change: bool = False,
        org_id: str = ROOT_ORG_ID,
    ) -> str:
        """Id of a new user whose password is PASSWORD."""
        name = username or f"{role}-{new_id()[-8:].lower()}"
        with self.database.write() as store:
            user = create_user(store, name, role, self._encoded, org_id=org_id)
            credential = store.users.credential(user.user_id)
            assert credential is not None
            credential.must_change = must_change
            return user.user_id

    def username(self, user_id: str) -> str:
        with self.database.read() as store:
            user = store.users.get(user_id)
            assert user is not None
            return user.username

    def log_in(self, user_id: str) -> dict[str, Any]:
        """Session with the refresh token in the body."""
        given = {"username": self.username(user_id), "password": PASSWORD, "client": "token"}
        answer = self.call("POST", "/auth/login", json=given)
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def token(self, role: str = "administrator", org_id: str = ROOT_ORG_ID) -> str:
        """Access token of a new user."""
        return str(self.log_in(self.user(role, org_id=org_id))["access_token"])

    def organisation(self, name: str, parent_id: str = ROOT_ORG_ID) -> str:
        """Id of a new organisation."""
        with self.database.write() as store:
            return add_organisation(store, parent_id, name, None).org_id

    def role(self, name: str, permissions: Iterable[Permission], *, rank: int = 10, org_id: str = ROOT_ORG_ID) -> str:
        """Code of a new role that begins with `name`."""
        role = Role(code=f"{name}_{new_id()[-8:].lower()}", name=name, rank_no=rank, patrol_radius_m=100, org_id=org_id)
        role.permissions, role.built_in = kept(permissions), False
        role.created_at = role.updated_at = now()
        with self.database.write() as store:
            store.roles.add(role)
            return role.code

    def camera(self, token: str, **fields: Any) -> str:
        """Id of a new camera."""
        given = {"name": "gate", "url": "rtsp://eye:secret@10.0.0.1/stream", **fields}
        answer = self.call("POST", "/cameras", token, json=given)
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["camera_id"])

    def grant(self, camera_id: str, user_id: str) -> None:
        with self.database.write() as store:
            store.grants.put(CameraGrant(camera_id=camera_id, user_id=user_id, granted_by=user_id, granted_at=now()))

    def observe(self, camera_id: str, **fields: Any) -> PassObserved:
        """Record a pass, with its pictures in the store."""
        return self.record(observed(camera_id, **fields))

    def record(self, message: PassObserved) -> PassObserved:
        """Record this report."""
        for evidence in (message.face, message.scene):
            self.parts.blobs.put(evidence.key, JPEG)
        self.database.run(lambda store: record_pass(store, message))
        return message

    def picture(self) -> io.BytesIO:
        return io.BytesIO(JPEG)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """A recorder runs in threads."""
        stop = threading.Event()
        thread = threading.Thread(target=recorder.run, args=(self.parts.bus, self.database, self.parts.blobs, stop))
        thread.start()
        yield
        stop.set()
        thread.join()


def observed(camera_id: str, **fields: Any) -> PassObserved:
    """A report of a pass; `age` is how long ago it opened."""
    pass_id = fields.pop("pass_id", None) or new_id()
    opened_at = fields.pop("opened_at", now() - fields.pop("age", timedelta(0)))
    values: dict[str, Any] = {
        "pass_id": pass_id,
        "phase": "opened",
        "camera_id": camera_id,
        "opened_at": opened_at,
        "last_seen_at": opened_at,
        "state": MaskState.WITHOUT_MASK,
        "confidence": 0.75,
        "frames": 4,
        "box": Box(x0=0.1, y0=0.2, x1=0.3, y1=0.4),
        "face": Evidence(key=f"evidence/{pass_id}/face.jpg", width=96, height=96, bytes=len(JPEG)),
        "scene": Evidence(key=f"evidence/{pass_id}/scene.jpg", width=1280, height=720, bytes=len(JPEG)),
    }
    return PassObserved(**{**values, **fields})


def closed(message: PassObserved, **fields: Any) -> PassObserved:
    """The closing report of the same pass, two seconds later."""
    later = message.opened_at + timedelta(seconds=2)
    values = {"phase": "closed", "last_seen_at": later, "closed_at": later, "frames": 10}
    return message.model_copy(update={**values, **fields})


def read_by_others(bus: Bus, kind: type[Message]) -> None:
    """What the other services do with a topic that several read, done here and now."""
    for group in set(kind.retention.groups) - {recorder.GROUP}:
        others = bus.subscribe(kind, group)
        while found := others.receive(count=1000, block_ms=1):
            others.ack(*found)
