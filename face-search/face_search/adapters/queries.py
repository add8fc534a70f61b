"""Who looked for a face, and why, in SQL. Rows are only added; the clock removes them when their time is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared_kernel.tables import FaceQuery
from shared_kernel.tables.conditions import equal, newest_first, within


@dataclass(frozen=True)
class QueryFilter:
    """Which looks; None means all. `after`: (time, id) of the last row of the page before."""

    user_id: str | None = None
    kind: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[datetime, str] | None = None


class FaceQueries:
    """The table face_queries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: FaceQuery) -> None:
        """Record a look; before anything of it is shown."""
        self._session.add(row)
        self._session.flush()

    def page(self, which: QueryFilter, limit: int) -> Sequence[FaceQuery]:
        """Give the newest first."""
        query = select(FaceQuery).where(
            equal(FaceQuery.user_id, which.user_id),
            equal(FaceQuery.kind, which.kind),
            equal(FaceQuery.subject, which.subject),
            within(FaceQuery.created_at, which.since, which.until),
        )
        page = newest_first(query, FaceQuery.created_at, FaceQuery.query_id, which.after, limit)
        return self._session.scalars(page).all()

    def delete_before(self, moment: datetime, limit: int) -> int:
        """Remove at most `limit` of the looks from before `moment`; say how many."""
        old = (
            select(FaceQuery.query_id).where(FaceQuery.created_at < moment).order_by(FaceQuery.created_at).limit(limit)
        )
        ids = self._session.scalars(old).all()
        self._session.execute(delete(FaceQuery).where(FaceQuery.query_id.in_(ids)))
        return len(ids)
