"""What storage holds, by camera and kind, what may be kept, and how full the disk is."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from miniprogram_api.access import allow
from miniprogram_api.adapters.footage import Held
from miniprogram_api.keeping import EMERGENCY, GIGABYTE
from miniprogram_api.parts import Parts
from shared_kernel.disk import disk_of
from shared_kernel.messages import Moment

#: Figures over all rows are costly; they are asked for at most this often, seconds.
_KEPT_S: Final = 10.0
_EMERGENCIES: Final = 10


class DiskOut(BaseModel):
    total_bytes: int
    free_bytes: int
    reserve_bytes: int = Field(description="less free than this: old footage is removed early")
    low: bool


class LimitOut(BaseModel):
    kind: Literal["clip", "recording", "evidence", "frames"]
    days: int = Field(description="removed after this")
    bytes_a_camera: int | None = Field(description="the oldest is removed beyond this; null: no limit")


class HeldOut(BaseModel):
    source_id: str = Field(description="the camera; of frames also a job or a user")
    name: str | None
    kind: Literal["clip", "recording", "evidence", "frames"]
    files: int
    bytes: int
    oldest_at: Moment
    newest_at: Moment


class EmergencyOut(BaseModel):
    at: Moment
    recordings: int
    clips: int
    passes: int
    bytes: int


class StorageOut(BaseModel):
    disk: DiskOut | None = Field(description="null: objects lie in a store elsewhere")
    limits: list[LimitOut]
    held: list[HeldOut]
    emergencies: list[EmergencyOut] = Field(description="when room had to be made, newest first")


class _Figures:
    """The sums over all rows, kept for a moment. Thread safe."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._asked_s = float("-inf")
        self._held: Sequence[Held] = ()
        self._names: Mapping[str, str] = {}

    def now(self) -> tuple[Sequence[Held], Mapping[str, str]]:
        with self._lock:
            if time.monotonic() - self._asked_s > _KEPT_S:
                with self._parts.database.read() as store:
                    footage = store.footage
                    self._held = [*footage.held(), *footage.pictures_held(), *footage.frames_held()]
                    self._names = store.cameras.names(one.camera_id for one in self._held)
                self._asked_s = time.monotonic()
            return self._held, self._names


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /storage."""
    routes = APIBlueprint("storage", __name__, tag="Footage")
    figures = _Figures(parts)

    @routes.get("/storage")
    @allow("user", "storage.read")
    @routes.output(StorageOut)
    def storage() -> StorageOut:
        held, names = figures.now()
        with parts.database.read() as store:
            emergencies = store.audit.latest(EMERGENCY, _EMERGENCIES)
        return StorageOut(
            disk=_disk_out(parts),
            limits=_limits(parts),
            held=[
                HeldOut.model_validate({**one._asdict(), "source_id": one.camera_id, "name": names.get(one.camera_id)})
                for one in held
            ],
            emergencies=[
                EmergencyOut.model_validate({"at": row.created_at, **json.loads(row.detail or "{}")})
                for row in emergencies
            ],
        )

    return routes


def _disk_out(parts: Parts) -> DiskOut | None:
    disk, reserve = disk_of(parts.settings.blobs_url), parts.settings.disk_reserve_percent / 100
    if disk is None:
        return None
    return DiskOut(
        total_bytes=disk.total,
        free_bytes=disk.free,
        reserve_bytes=round(disk.total * reserve),
        low=disk.free_share < reserve,
    )


def _limits(parts: Parts) -> list[LimitOut]:
    given = parts.settings
    return [
        LimitOut(kind="evidence", days=given.evidence_days, bytes_a_camera=None),
        *(
            LimitOut(kind=kind, days=keep.days, bytes_a_camera=round(keep.gigabytes * GIGABYTE))
            for kind, keep in (("clip", given.keep_clips), ("recording", given.keep_recordings))
        ),
        LimitOut(kind="frames", days=given.archive_days, bytes_a_camera=None),
    ]
