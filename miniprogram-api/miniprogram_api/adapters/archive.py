"""Batches of archived frames in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from shared_kernel.tables import ArchivedFrame, FrameBatch
from shared_kernel.tables.conditions import among, equal, newest_first


@dataclass(frozen=True)
class BatchFilter:
    """Which batches; None means any.

    Unless `everything` may be seen: those of `cameras` (None: of all cameras), and those that `client_id` sent.
    """

    everything: bool = False
    cameras: frozenset[str] | None = None
    client_id: str | None = None
    source_id: str | None = None
    source: str | None = None
    state: str | None = None
    after: tuple[datetime, str] | None = None


class FrameBatches:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, batch_id: str, *, lock: bool = False) -> FrameBatch | None:
        return self._session.get(FrameBatch, batch_id, with_for_update=lock or None)

    def add(self, row: FrameBatch) -> None:
        self._session.add(row)
        self._session.flush()

    def page(self, which: BatchFilter, limit: int) -> Sequence[FrameBatch]:
        """Newest first."""
        query = select(FrameBatch).where(
            equal(FrameBatch.source_id, which.source_id),
            equal(FrameBatch.source, which.source),
            equal(FrameBatch.state, which.state),
        )
        if not which.everything:
            seen = and_(FrameBatch.source == "camera", among(FrameBatch.source_id, which.cameras))
            own = and_(FrameBatch.source == "client", FrameBatch.source_id == which.client_id)
            query = query.where(or_(seen, own))
        page = newest_first(query, FrameBatch.started_at, FrameBatch.batch_id, which.after, limit)
        return self._session.scalars(page).all()

    def running(self, source: str | None = None, source_id: str | None = None) -> Sequence[FrameBatch]:
        """Those that have not ended, in the order in which they began."""
        of = equal(FrameBatch.source, source), equal(FrameBatch.source_id, source_id)
        query = select(FrameBatch).where(FrameBatch.state == "running", *of)
        return self._session.scalars(query.order_by(FrameBatch.started_at)).all()

    def begun_before(self, moment: datetime) -> Sequence[FrameBatch]:
        """Those that may have frames from before `moment`."""
        return self._session.scalars(select(FrameBatch).where(FrameBatch.started_at < moment)).all()

    def delete(self, batch_id: str) -> None:
        self._session.execute(delete(FrameBatch).where(FrameBatch.batch_id == batch_id))


class ArchivedFrames:
    def __init__(self, session: Session) -> None:
        self._session = session

    def several(self, batch_id: str, seqs: Iterable[int]) -> Mapping[int, ArchivedFrame]:
        """The rows that exist, by `seq`."""
        query = select(ArchivedFrame).where(ArchivedFrame.batch_id == batch_id, ArchivedFrame.seq.in_(list(seqs)))
        return {row.seq: row for row in self._session.scalars(query)}

    def places(self, batch_id: str) -> frozenset[int]:
        """Every `seq` that has a row."""
        query = select(ArchivedFrame.seq).where(ArchivedFrame.batch_id == batch_id)
        return frozenset(self._session.scalars(query))

    def figures(self, batch_id: str) -> tuple[int, float | None, float | None]:
        """Of the stored frames: bytes, mean and longest time to be stored in milliseconds; None without any."""
        figures = func.sum(ArchivedFrame.bytes), func.avg(ArchivedFrame.took_ms), func.max(ArchivedFrame.took_ms)
        query = select(*figures).where(ArchivedFrame.batch_id == batch_id, ArchivedFrame.state == "stored")
        total, mean, longest = self._session.execute(query).one()
        return int(total or 0), mean, longest

    def add(self, rows: Sequence[ArchivedFrame]) -> None:
        self._session.add_all(rows)
        self._session.flush()

    def page(self, batch_id: str, after: int | None, state: str | None, limit: int) -> Sequence[ArchivedFrame]:
        """In order."""
        query = select(ArchivedFrame).where(ArchivedFrame.batch_id == batch_id, equal(ArchivedFrame.state, state))
        if after is not None:
            query = query.where(ArchivedFrame.seq > after)
        return self._session.scalars(query.order_by(ArchivedFrame.seq).limit(limit)).all()

    def delete_before(self, batch_id: str, moment: datetime) -> int:
        """Forget the frames taken before `moment`. Returns how many."""
        statement = delete(ArchivedFrame).where(ArchivedFrame.batch_id == batch_id, ArchivedFrame.captured_at < moment)
        return int(self._session.execute(statement).rowcount)  # type: ignore[attr-defined]

    def keys_in_use(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of the object keys that some frame has."""
        query = select(ArchivedFrame.object_key).where(ArchivedFrame.object_key.in_(list(keys)))
        return frozenset(key for key in self._session.scalars(query) if key is not None)
