"""Passes, their pictures and their counts in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from shared_kernel.tables import Media, Pass, PassCount
from shared_kernel.tables.conditions import among, equal, newest_first, within


@dataclass(frozen=True)
class PassFilter:
    """Which passes; None means all. `cameras` are the ids that the caller may see."""

    cameras: frozenset[str] | None = None
    camera_id: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[datetime, str] | None = None


class Passes:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, pass_id: str, *, lock: bool = False) -> Pass | None:
        return self._session.get(Pass, pass_id, with_for_update=lock or None)

    def add(self, row: Pass) -> None:
        self._session.add(row)
        self._session.flush()

    def page(self, which: PassFilter, limit: int) -> Sequence[Pass]:
        """Newest first."""
        query = select(Pass).where(
            among(Pass.camera_id, which.cameras),
            equal(Pass.camera_id, which.camera_id),
            equal(Pass.state, which.state),
            within(Pass.opened_at, which.since, which.until),
        )
        return self._session.scalars(newest_first(query, Pass.opened_at, Pass.pass_id, which.after, limit)).all()

    def open_since(
        self, moment: datetime, cameras: frozenset[str] | None, camera_id: str | None
    ) -> Sequence[tuple[str, str, int]]:
        """(camera, state, passes) of those that opened after `moment` and have not closed."""
        query = (
            select(Pass.camera_id, Pass.state, func.count())
            .where(Pass.opened_at >= moment, Pass.closed_at.is_(None))
            .where(among(Pass.camera_id, cameras), equal(Pass.camera_id, camera_id))
            .group_by(Pass.camera_id, Pass.state)
        )
        return [(camera, state, int(passes)) for camera, state, passes in self._session.execute(query)]

    def opened_between(
        self, since: datetime, until: datetime, cameras: frozenset[str] | None, camera_id: str | None
    ) -> Sequence[tuple[datetime, str]]:
        """(opened, state) of the passes of [since, until)."""
        query = select(Pass.opened_at, Pass.state).where(
            within(Pass.opened_at, since, until), among(Pass.camera_id, cameras), equal(Pass.camera_id, camera_id)
        )
        return [(opened_at, state) for opened_at, state in self._session.execute(query)]

    def ids_before(self, moment: datetime, limit: int) -> Sequence[str]:
        query = select(Pass.pass_id).where(Pass.opened_at < moment).order_by(Pass.opened_at).limit(limit)
        return self._session.scalars(query).all()

    def delete(self, pass_ids: Iterable[str]) -> None:
        self._session.execute(delete(Pass).where(Pass.pass_id.in_(list(pass_ids))))


class MediaFiles:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, media_id: str) -> Media | None:
        return self._session.get(Media, media_id)

    def put(self, row: Media) -> None:
        """Add the row; one that exists describes the same object."""
        if self._session.get(Media, row.media_id) is None:
            self._session.add(row)
            self._session.flush()

    def of_passes(self, pass_ids: Iterable[str]) -> Sequence[Media]:
        return self._session.scalars(select(Media).where(Media.pass_id.in_(list(pass_ids)))).all()

    def delete_of(self, pass_ids: Iterable[str]) -> None:
        self._session.execute(delete(Media).where(Media.pass_id.in_(list(pass_ids))))


class Counts:
    def __init__(self, session: Session) -> None:
        self._session = session

    def change(self, camera_id: str, hour_at: datetime, state: str, by: int) -> None:
        """Add `by` to the passes of that hour."""
        key = (PassCount.camera_id == camera_id, PassCount.hour_at == hour_at, PassCount.state == state)
        statement = update(PassCount).where(*key).values(passes=PassCount.passes + by)
        if not self._session.execute(statement).rowcount:  # type: ignore[attr-defined]
            self._session.add(PassCount(camera_id=camera_id, hour_at=hour_at, state=state, passes=by))
            self._session.flush()

    def total(self) -> Sequence[int]:
        """Every count."""
        return self._session.scalars(select(PassCount.passes)).all()

    def by_hour(
        self, since: datetime, until: datetime, cameras: frozenset[str] | None, camera_id: str | None
    ) -> Sequence[tuple[datetime, str, int]]:
        """(hour, state, passes) for hours in [since, until) of these cameras."""
        query = (
            select(PassCount.hour_at, PassCount.state, func.sum(PassCount.passes))
            .where(within(PassCount.hour_at, since, until))
            .where(among(PassCount.camera_id, cameras), equal(PassCount.camera_id, camera_id))
            .group_by(PassCount.hour_at, PassCount.state)
        )
        return [(hour, state, int(passes)) for hour, state, passes in self._session.execute(query)]
