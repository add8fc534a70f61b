"""The service in one process over a real database, a real Redis and real files; faces and their index are stand-ins.

Users are those of `CannedUsers`: an access token is the user's id.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from face_search.adapters.exact import ExactIndex
from face_search.app import create_app
from face_search.bootstrap import assemble
from face_search.settings import Settings
from shared_kernel.bus import Task, run_tasks
from shared_kernel.clock import now
from shared_kernel.door import Known
from shared_kernel.errors import Unauthorised, Unavailable
from shared_kernel.messages import Box, Evidence, MaskState, PassObserved, new_id
from shared_kernel.tables import Camera
from tests.integration.face_search.canned import THRESHOLDS, CannedReader, PlainDecoder, Portrait, jpeg, photo
from tests.integration.miniprogram_api import openapi

SERVICE_TOKEN = "s" * 40
FACES = frozenset({"face.view", "face.search", "face.manage", "face.erase", "face.audit"})
#: As `miniprogram_api.permissions` has them; tests/contract/face_search compares.
PERMISSIONS = {
    "administrator": FACES | {"photo.detect"},
    "officer": frozenset({"face.view", "face.search", "photo.detect"}),
    "guard": frozenset({"photo.detect"}),
}


def settings(folder: Path, database_url: str, redis_url: str, **others: Any) -> Settings:
    values: dict[str, Any] = {
        "database_url": SecretStr(database_url),
        "redis_url": redis_url,
        "blobs_url": f"file://{folder}/blobs",
        "service_token": SecretStr(SERVICE_TOKEN),
        "ticket_key": SecretStr("t" * 40),
        "models_dir": folder / "face-models",
        "searches_per_minute": 1000,
        **others,
    }
    return Settings(**values)


class CannedUsers:
    """miniprogram-api as `shared_kernel.door.Users`; tests add users and withdraw rights."""

    def __init__(self) -> None:
        self.users: dict[str, Known] = {}
        self.away = False

    def known(self, access_token: str) -> Known:
        self._answer()
        if access_token not in self.users:
            raise Unauthorised("access token: expected a valid one, got none", code="access_token")
        return self.users[access_token]

    def of(self, user_id: str) -> Known:
        self._answer()
        return self.users.get(user_id, Known(user_id=user_id, permissions=frozenset()))

    def holders(self, permission: str, user_ids: Iterable[str]) -> frozenset[str]:
        self._answer()
        return frozenset(one for one in user_ids if permission in self.of(one).permissions)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("miniprogram-api", "away")


class World:
    """Everything a behaviour test needs. Answers are checked against the OpenAPI document on the way."""

    def __init__(self, given: Settings) -> None:
        self.settings = given
        self.users = CannedUsers()
        self.reader = CannedReader()
        self.index = ExactIndex()
        self.index.ensure(self.reader.model, self.reader.dimension)
        self.parts = assemble(
            given,
            reader=self.reader,
            thresholds=THRESHOLDS,
            index=self.index,
            decoder=PlainDecoder(),
            users=self.users,
        )
        self.database = self.parts.database
        self.app = create_app(self.parts)
        with self.app.app_context():
            self.document: dict[str, Any] = json.loads(json.dumps(self.app.spec))
        self._rules = self.app.url_map.bind("localhost")

    def call(self, method: str, path: str, token: str | None = None, **others: Any) -> TestResponse:
        """A request under /faces with an access token."""
        headers = dict(others.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        path = path if path.startswith("/faces/") else f"/faces{path}"
        answer = self.app.test_client(use_cookies=False).open(path, method=method, headers=headers, **others)
        openapi.check(answer, self._rules, self.document, prefix="/faces/")
        return answer

    def token(self, role: str = "administrator", *, cameras: Iterable[str] | None = None) -> str:
        """Access token of a new user, which is also the user's id.

        Args:
            role: decides the permissions.
            cameras: that the user may see; all of them when None.
        """
        user_id = new_id()
        seen = None if cameras is None else frozenset(cameras)
        known = Known(user_id=user_id, username=f"{role}-{user_id[-6:]}", permissions=PERMISSIONS[role], cameras=seen)
        self.users.users[user_id] = known
        return user_id

    def form(self, *portraits: Portrait, **fields: str) -> dict[str, Any]:
        """`data=` of a request with one photo of these faces, and text fields."""
        return {**fields, "photo": (io.BytesIO(photo(*portraits)), "photo.png")}

    def camera(self, *, lon: float | None = 113.32, lat: float | None = 23.11, name: str = "gate") -> str:
        """Id of a new camera, as miniprogram-api has written it: a table that this service only reads."""
        row = Camera(camera_id=new_id(), name=name, url_cipher="sealed", url_sha256=bytes(32), address="10.0.0.1/")
        row.lon, row.lat = (None if one is None else Decimal(str(one)) for one in (lon, lat))
        row.model, row.enabled, row.is_demo, row.state, row.skipped_frames = "mask", True, False, "online", 0
        row.state_at = row.heard_at = row.created_at = row.updated_at = now()
        with Session(self.database.engine) as session, session.begin():
            session.add(row)
            return row.camera_id

    def observed(self, camera_id: str, *portraits: Portrait, **fields: Any) -> PassObserved:
        """A pass before a camera with its pictures in the store; `age` is how long ago it opened."""
        pass_id = fields.pop("pass_id", None) or new_id()
        at: datetime = fields.pop("opened_at", now() - fields.pop("age", timedelta(0)))
        picture = jpeg(*portraits)
        for kind in ("face", "scene"):
            self.parts.blobs.put(f"evidence/{pass_id}/{kind}.jpg", picture)
        evidence = {
            kind: Evidence(key=f"evidence/{pass_id}/{kind}.jpg", width=128, height=128, bytes=len(picture))
            for kind in ("face", "scene")
        }
        values: dict[str, Any] = {
            "pass_id": pass_id,
            "phase": "opened",
            "camera_id": camera_id,
            "opened_at": at,
            "last_seen_at": at,
            "state": MaskState.WITHOUT_MASK,
            "confidence": 0.75,
            "frames": 4,
            "box": Box(x0=0.1, y0=0.2, x1=0.3, y1=0.4),
            **evidence,
        }
        return PassObserved(**{**values, **fields})

    @contextmanager
    def working(self, *tasks: Task) -> Iterator[None]:
        """These tasks of the worker run in threads."""
        stop = threading.Event()
        thread = threading.Thread(target=run_tasks, args=(tasks, stop))
        thread.start()
        yield
        stop.set()
        thread.join()
