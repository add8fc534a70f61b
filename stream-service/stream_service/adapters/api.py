"""miniprogram-api over HTTP: the list of cameras, and who may watch which."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from pydantic import BaseModel

from shared_kernel.errors import Unavailable
from shared_kernel.internal_api import InternalApi
from stream_service.ports import CameraEntry, Seen

#: A call takes no longer than this; asking for rights must stay below the promise of five seconds.
TIMEOUT_S = 2.5


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
        self._api = InternalApi(base_url, service_token, TIMEOUT_S)

    def close(self) -> None:
        self._api.close()

    def check(self) -> str | None:
        """Readiness: why the API does not answer, or None."""
        try:
            self.cameras()
        except Unavailable as error:
            return str(error)
        return None

    def cameras(self) -> list[CameraEntry]:
        found = self._api.ask(_Cameras, "GET", "cameras")
        return [CameraEntry(one.camera_id, one.url, one.enabled) for one in found.items]

    def allowed(self, pairs: AbstractSet[Seen]) -> AbstractSet[Seen]:
        body = {"pairs": [{"user_id": one.user_id, "camera_id": one.camera_id} for one in sorted(pairs)]}
        found = self._api.ask(_Allowed, "POST", "rights", body)
        return {Seen(one.user_id, one.camera_id) for one in found.allowed} & pairs
