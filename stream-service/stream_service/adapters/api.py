"""miniprogram-api over HTTP: the list of cameras, and who may watch which."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from shared_kernel.errors import Unavailable
from shared_kernel.internal_api import InternalApi
from stream_service.ports import CameraEntry, Seen, Sight, WantedFrames, Window
from stream_service.rules import DecodeMode, Footage
from stream_service.zones import Polygon, Zone

#: A call takes no longer than this; asking for rights must stay below the promise of five seconds.
TIMEOUT_S = 2.5


class _Zone(BaseModel):
    name: str
    kind: Literal["include", "exclude"]
    points: Polygon


class _Window(BaseModel):
    days: tuple[int, ...]
    begins: str = Field(alias="from")
    ends: str = Field(alias="to")


class _Camera(BaseModel):
    camera_id: str
    url: str
    enabled: bool = True
    detect_url: str | None = None
    decode: DecodeMode | None = None
    analysed_fps: float | None = None
    zones: tuple[_Zone, ...] = ()
    privacy_masks: tuple[Polygon, ...] = ()
    plan: tuple[_Window, ...] | None = None
    footage: Footage = "clips"


class _Cameras(BaseModel):
    items: list[_Camera]


class _Batch(BaseModel):
    batch_id: str
    camera_id: str
    every_s: float = Field(gt=0)
    frames: int = 0
    side: int | None = None
    started_at: AwareDatetime


class _Batches(BaseModel):
    items: list[_Batch]


class _Pair(BaseModel):
    user_id: str
    camera_id: str


class _Allowed(BaseModel):
    allowed: list[_Pair]
    unmasked: list[_Pair] = []


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
        return [_entry(one) for one in found.items]

    def wanted_frames(self) -> list[WantedFrames]:
        found = self._api.ask(_Batches, "GET", "frame-batches")
        return [
            WantedFrames(one.batch_id, one.camera_id, one.every_s, one.frames, one.side, one.started_at)
            for one in found.items
        ]

    def allowed(self, pairs: AbstractSet[Seen]) -> Mapping[Seen, Sight]:
        body = {"pairs": [{"user_id": one.user_id, "camera_id": one.camera_id} for one in sorted(pairs)]}
        found = self._api.ask(_Allowed, "POST", "rights", body)
        unmasked = {Seen(one.user_id, one.camera_id) for one in found.unmasked}
        allowed = {Seen(one.user_id, one.camera_id) for one in found.allowed} & pairs
        return {seen: "unmasked" if seen in unmasked else "masked" for seen in allowed}


def _entry(one: _Camera) -> CameraEntry:
    windows = [Window(window.days, _minutes(window.begins), _minutes(window.ends)) for window in one.plan or ()]
    return CameraEntry(
        camera_id=one.camera_id,
        url=one.url,
        enabled=one.enabled,
        detect_url=one.detect_url,
        decode=one.decode,
        analysed_fps=one.analysed_fps,
        zones=tuple(Zone(zone.name, zone.kind, zone.points) for zone in one.zones),
        privacy_masks=one.privacy_masks,
        plan=tuple(windows) or None,
        footage=one.footage,
    )


def _minutes(clock: str) -> int:
    """Minute of the day of HH:MM."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
