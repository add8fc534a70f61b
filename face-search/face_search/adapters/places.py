"""Where cameras stand and what they are called, as miniprogram-api keeps it. Only read here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_kernel.tables import Camera


@dataclass(frozen=True, slots=True)
class Place:
    """A camera: its name, and its place in degrees on WGS-84 where somebody entered it."""

    name: str
    lon: float | None
    lat: float | None


class Places:
    """The columns of the table cameras that face-search may read."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, camera_ids: Collection[str]) -> dict[str, Place]:
        """Give these cameras by id; removed ones too, because what they saw is still there."""
        query = select(Camera.camera_id, Camera.name, Camera.lon, Camera.lat)
        rows = self._session.execute(query.where(Camera.camera_id.in_(sorted(camera_ids))))
        return {
            one: Place(name, None if lon is None else float(lon), None if lat is None else float(lat))
            for one, name, lon, lat in rows
        }
