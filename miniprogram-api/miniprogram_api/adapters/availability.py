"""How cameras were, by hour, and when they gave no picture, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, delete, func, or_, select, update
from sqlalchemy.orm import Session

from miniprogram_api.coverage import Kept
from shared_kernel.tables import Camera, CameraHour, CameraOutage
from shared_kernel.tables.conditions import among, equal, newest_first, within

_KEPT = (
    CameraHour.online_s,
    CameraHour.degraded_s,
    CameraHour.stale_s,
    CameraHour.offline_s,
    CameraHour.paused_s,
    CameraHour.analysed_frames,
    CameraHour.skipped_frames,
)


def _kept(*row: Any) -> Kept:
    """What the columns `_KEPT` say. A database may answer sums as decimals."""
    online, degraded, stale, offline, paused = map(float, row[:5])
    return Kept(online, degraded, stale, offline, paused, int(row[5]), int(row[6]))


class Hours:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, camera_id: str, hour_at: datetime, more: Kept) -> None:
        """Add to what is kept of that hour. The camera's row is locked, so nobody else adds at the same time."""
        key = (CameraHour.camera_id == camera_id, CameraHour.hour_at == hour_at)
        raised = {column.key: column + value for column, value in zip(_KEPT, more.values(), strict=True) if value}
        if raised and not self._session.execute(update(CameraHour).where(*key).values(raised)).rowcount:  # type: ignore[attr-defined]
            values = {column.key: value for column, value in zip(_KEPT, more.values(), strict=True)}
            self._session.add(CameraHour(camera_id=camera_id, hour_at=hour_at, **values))
            self._session.flush()

    def of_camera(self, camera_id: str, since: datetime, until: datetime) -> Mapping[datetime, Kept]:
        """By hour, in [since, until)."""
        query = select(CameraHour.hour_at, *_KEPT).where(CameraHour.camera_id == camera_id)
        return self._by_hour(query.where(within(CameraHour.hour_at, since, until)))

    def of_cameras(
        self, since: datetime, until: datetime, cameras: frozenset[str] | None, camera_id: str | None, *, removed: bool
    ) -> Mapping[datetime, Kept]:
        """Sums by hour of the cameras that exist, or of those `removed`; only of `cameras` and `camera_id` if given."""
        query = (
            select(CameraHour.hour_at, *(func.sum(column) for column in _KEPT))
            .join(Camera, Camera.camera_id == CameraHour.camera_id)
            .where(within(CameraHour.hour_at, since, until))
            .where(among(CameraHour.camera_id, cameras), equal(CameraHour.camera_id, camera_id))
            .where(Camera.deleted_at.is_not(None) if removed else Camera.deleted_at.is_(None))
            .group_by(CameraHour.hour_at)
        )
        return self._by_hour(query)

    def _by_hour(self, query: Executable) -> Mapping[datetime, Kept]:
        return {row[0]: _kept(*row[1:]) for row in self._session.execute(query)}

    def delete_before(self, moment: datetime) -> int:
        return int(self._session.execute(delete(CameraHour).where(CameraHour.hour_at < moment)).rowcount)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class OutageFilter:
    """Which outages; None means all. `cameras` are the ids that the caller may see; times are those of the outage."""

    cameras: frozenset[str] | None = None
    camera_id: str | None = None
    open: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[datetime, str] | None = None


class Outages:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, outage_id: str) -> CameraOutage | None:
        return self._session.get(CameraOutage, outage_id)

    def add(self, row: CameraOutage) -> None:
        self._session.add(row)
        self._session.flush()

    def open_of(self, camera_id: str) -> CameraOutage | None:
        """The outage of this camera that is not over."""
        query = select(CameraOutage).where(CameraOutage.camera_id == camera_id, CameraOutage.ended_at.is_(None))
        return self._session.scalars(query.order_by(CameraOutage.began_at).limit(1)).first()

    def page(self, which: OutageFilter, limit: int) -> Sequence[CameraOutage]:
        """Newest first. With `since` also one that began before and lasted into it."""
        query = select(CameraOutage).where(
            among(CameraOutage.camera_id, which.cameras),
            equal(CameraOutage.camera_id, which.camera_id),
            within(CameraOutage.began_at, None, which.until),
        )
        if which.open is not None:
            query = query.where(CameraOutage.ended_at.is_(None) if which.open else CameraOutage.ended_at.is_not(None))
        if which.since is not None:
            query = query.where(or_(CameraOutage.ended_at.is_(None), CameraOutage.ended_at > which.since))
        page = newest_first(query, CameraOutage.began_at, CameraOutage.outage_id, which.after, limit)
        return self._session.scalars(page).all()

    def delete_before(self, moment: datetime) -> int:
        """Remove old ones that are over."""
        query = delete(CameraOutage).where(CameraOutage.ended_at.is_not(None), CameraOutage.ended_at < moment)
        return int(self._session.execute(query).rowcount)  # type: ignore[attr-defined]
