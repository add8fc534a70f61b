"""Footage and the figures of all storage in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, func, literal, or_, select
from sqlalchemy.orm import Session

from shared_kernel.tables import ArchivedFrame, Footage, FrameBatch, Media
from shared_kernel.tables.conditions import among, equal, within


@dataclass(frozen=True)
class FootageFilter:
    """Which footage; None means all. `cameras` are those that the caller may see; times: overlapping [since, until)."""

    cameras: frozenset[str] | None = None
    camera_id: str | None = None
    kind: str | None = None
    pass_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Held(NamedTuple):
    """What one camera has of one kind."""

    camera_id: str
    kind: str
    files: int
    bytes: int
    oldest_at: datetime
    newest_at: datetime


class FootageFiles:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, footage_id: str) -> Footage | None:
        return self._session.get(Footage, footage_id)

    def put(self, row: Footage) -> None:
        """Add the row; one that exists describes the same object."""
        if self._session.get(Footage, row.footage_id) is None:
            self._session.add(row)
            self._session.flush()

    def page(
        self, which: FootageFilter, limit: int, *, after: tuple[datetime, str] | None = None, oldest_first: bool = False
    ) -> Sequence[Footage]:
        """In the order in which it began."""
        at, row_id = Footage.started_at, Footage.footage_id
        query = _filtered(select(Footage), which).limit(limit)
        query = query.order_by(at, row_id) if oldest_first else query.order_by(at.desc(), row_id.desc())
        if after is not None:
            beyond = at > after[0] if oldest_first else at < after[0]
            further = row_id > after[1] if oldest_first else row_id < after[1]
            query = query.where(or_(beyond, and_(at == after[0], further)))
        return self._session.scalars(query).all()

    def spans(self, which: FootageFilter) -> Sequence[tuple[datetime, datetime]]:
        """Begin and end of each file, in order."""
        query = _filtered(select(Footage.started_at, Footage.ended_at), which).order_by(Footage.started_at)
        return [(began_at, ended_at) for began_at, ended_at in self._session.execute(query)]

    def held(self) -> Sequence[Held]:
        """Footage by camera and kind."""
        figures = func.count(), func.sum(Footage.bytes), func.min(Footage.started_at), func.max(Footage.ended_at)
        return _held(
            self._session,
            select(Footage.camera_id, Footage.kind, *figures).group_by(Footage.camera_id, Footage.kind),
        )

    def pictures_held(self) -> Sequence[Held]:
        """Evidence pictures by camera, as kind `evidence`."""
        figures = func.count(), func.sum(Media.bytes), func.min(Media.created_at), func.max(Media.created_at)
        return _held(self._session, select(Media.camera_id, literal("evidence"), *figures).group_by(Media.camera_id))

    def frames_held(self) -> Sequence[Held]:
        """Archived frames by source, as kind `frames`. Equal pictures are counted each, though they share an object."""
        at = ArchivedFrame.captured_at
        figures = func.count(), func.sum(ArchivedFrame.bytes), func.min(at), func.max(at)
        query = select(FrameBatch.source_id, literal("frames"), *figures).join(
            ArchivedFrame, ArchivedFrame.batch_id == FrameBatch.batch_id
        )
        return _held(self._session, query.where(ArchivedFrame.state == "stored").group_by(FrameBatch.source_id))

    def oldest(
        self, kind: str, limit: int, *, camera_id: str | None = None, before: datetime | None = None
    ) -> Sequence[Footage]:
        """The files of a kind that began first."""
        of = equal(Footage.camera_id, camera_id), within(Footage.ended_at, None, before)
        query = select(Footage).where(Footage.kind == kind, *of).order_by(Footage.started_at).limit(limit)
        return self._session.scalars(query).all()

    def of_passes(self, pass_ids: Iterable[str]) -> Sequence[Footage]:
        """The clips that show these passes."""
        return self._session.scalars(select(Footage).where(Footage.pass_id.in_(list(pass_ids)))).all()

    def keys_in_use(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of the object keys that some row names."""
        wanted = list(keys)
        query = select(Footage.object_key, Footage.boxes_key).where(
            or_(Footage.object_key.in_(wanted), Footage.boxes_key.in_(wanted))
        )
        return frozenset(key for pair in self._session.execute(query) for key in pair if key)

    def delete(self, footage_ids: Iterable[str]) -> None:
        self._session.execute(delete(Footage).where(Footage.footage_id.in_(list(footage_ids))))


def _filtered(query: Any, which: FootageFilter) -> Any:  # a Select of whatever columns
    query = query.where(
        among(Footage.camera_id, which.cameras),
        equal(Footage.camera_id, which.camera_id),
        equal(Footage.kind, which.kind),
        equal(Footage.pass_id, which.pass_id),
        within(Footage.started_at, None, which.until),
    )
    return query if which.since is None else query.where(Footage.ended_at > which.since)


def _held(session: Session, query: Any) -> Sequence[Held]:
    return [
        Held(camera, kind, int(n), int(size), oldest, newest)
        for camera, kind, n, size, oldest, newest in session.execute(query)
    ]
