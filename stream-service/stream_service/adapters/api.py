"""miniprogram-api over HTTP: the list of cameras, and who may watch which."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from shared_kernel.errors import Unavailable
from stream_service.ports import CameraEntry, Seen

#: A call takes no longer than this; asking for rights must stay below the promise of five seconds.
TIMEOUT_S = 2.5
_PART = "miniprogram-api"
Answer = TypeVar("Answer", bound=BaseModel)


class _Camera(BaseModel):
    camera_id: str
    url: str
    enabled: bool = True


class _Cameras(BaseModel):
    items: list[_Camera]


class _Pair(BaseModel):
    user_id: str
    camera_id: str


class _Allowed(BaseModel):
    allowed: list[_Pair]


class HttpApi:
    """See `ports.Directory` and `ports.Rights`. Thread safe."""

    def __init__(self, base_url: str, service_token: str) -> None:
        self._client = httpx.Client(
            base_url=base_url.rstrip("/") + "/api/v1/internal/",
            headers={"Authorization": f"Bearer {service_token}"},
            timeout=TIMEOUT_S,
            trust_env=False,  # no proxy between the services of one installation
        )

    def close(self) -> None:
        self._client.close()

    def check(self) -> str | None:
        """Readiness: why the API does not answer, or None."""
        try:
            self.cameras()
        except Unavailable as error:
            return str(error)
        return None

    def cameras(self) -> list[CameraEntry]:
        found = self._ask(_Cameras, "GET", "cameras")
        return [CameraEntry(one.camera_id, one.url, one.enabled) for one in found.items]

    def allowed(self, pairs: AbstractSet[Seen]) -> AbstractSet[Seen]:
        body = {"pairs": [{"user_id": one.user_id, "camera_id": one.camera_id} for one in sorted(pairs)]}
        found = self._ask(_Allowed, "POST", "rights", body)
        return {Seen(one.user_id, one.camera_id) for one in found.allowed} & pairs

    def _ask(self, kind: type[Answer], method: str, path: str, body: object = None) -> Answer:
        try:
            response = self._client.request(method, path, json=body)
            if response.status_code != httpx.codes.OK:
                raise Unavailable(_PART, f"{method} {path}: expected 200, got {response.status_code}")
            return kind.model_validate_json(response.content)
        except httpx.HTTPError as error:
            raise Unavailable(_PART, f"{method} {path}: {type(error).__name__} {error}") from error
        except ValidationError as error:  # its text would repeat addresses with their passwords
            raise Unavailable(_PART, f"{method} {path}: the answer has {error.error_count()} wrong fields") from None
