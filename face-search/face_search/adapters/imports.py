"""Imports and the lines of their reports in SQL.

A worker holds an import by the moment it was last heard of: whoever writes names the moment it wrote last. When another
took the import over meanwhile that moment is a later one, nothing is changed, and the former holder knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from shared_kernel.tables import FaceImport, FaceImportLine

ENDED = ("done", "failed", "cancelled")


class Imports:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, import_id: str) -> FaceImport | None:
        return self._session.get(FaceImport, import_id)

    def add(self, row: FaceImport) -> None:
        self._session.add(row)
        self._session.flush()

    def page(self, after: tuple[datetime, str] | None, limit: int) -> Sequence[FaceImport]:
        """Newest first."""
        query = select(FaceImport).order_by(FaceImport.created_at.desc(), FaceImport.import_id.desc()).limit(limit)
        if after is not None:
            at, import_id = after
            same = and_(FaceImport.created_at == at, FaceImport.import_id < import_id)
            query = query.where(or_(FaceImport.created_at < at, same))
        return self._session.scalars(query).all()

    def claim(self, moment: datetime, silence: timedelta) -> FaceImport | None:
        """Take the oldest that waits, or that its worker has not been heard of for `silence`; None without one."""
        silent = and_(FaceImport.state == "running", FaceImport.heard_at < moment - silence)
        query = select(FaceImport).where(or_(FaceImport.state == "waiting", silent)).order_by(FaceImport.created_at)
        for row in self._session.scalars(query.limit(8)):
            if self.hear(row.import_id, row.heard_at, moment, was=row.state, state="running"):
                self._session.refresh(row)
                return row
        return None

    def hear(
        self,
        import_id: str,
        heard_at: datetime,
        moment: datetime,
        *,
        was: str = "running",
        accepted: int = 0,
        refused: int = 0,
        **others: object,
    ) -> bool:
        """Note progress and further columns; False when another was heard of after `heard_at`, or it has ended."""
        statement = (
            update(FaceImport)
            .where(FaceImport.import_id == import_id, FaceImport.heard_at == heard_at, FaceImport.state == was)
            .values(
                heard_at=moment,
                accepted=FaceImport.accepted + accepted,
                refused=FaceImport.refused + refused,
                **others,
            )
            .execution_options(synchronize_session=False)
        )
        return bool(self._session.execute(statement).rowcount)  # type: ignore[attr-defined]

    def cancel(self, import_id: str, moment: datetime) -> bool:
        """End an import that has not ended; its worker notices at the next line."""
        statement = (
            update(FaceImport)
            .where(FaceImport.import_id == import_id, FaceImport.state.in_(("waiting", "running")))
            .values(state="cancelled", ended_at=moment)
            .execution_options(synchronize_session=False)
        )
        return bool(self._session.execute(statement).rowcount)  # type: ignore[attr-defined]

    def add_line(self, row: FaceImportLine) -> None:
        self._session.add(row)
        self._session.flush()

    def lines_done(self, import_id: str) -> frozenset[int]:
        """Numbers of the lines that have been settled."""
        query = select(FaceImportLine.line_no).where(FaceImportLine.import_id == import_id)
        return frozenset(self._session.scalars(query))

    def lines(
        self, import_id: str, *, outcome: str | None = None, after: int | None = None, limit: int
    ) -> Sequence[FaceImportLine]:
        """In order."""
        query = select(FaceImportLine).where(FaceImportLine.import_id == import_id)
        if outcome is not None:
            query = query.where(FaceImportLine.outcome == outcome)
        if after is not None:
            query = query.where(FaceImportLine.line_no > after)
        return self._session.scalars(query.order_by(FaceImportLine.line_no).limit(limit)).all()

    def repeated(self, import_ids: Iterable[str]) -> Mapping[str, int]:
        """How many pictures of each were enrolled already."""
        query = (
            select(FaceImportLine.import_id, func.count())
            .where(FaceImportLine.import_id.in_(list(import_ids)), FaceImportLine.outcome == "repeated")
            .group_by(FaceImportLine.import_id)
        )
        return {import_id: int(count) for import_id, count in self._session.execute(query)}

    def ended_before(self, moment: datetime, limit: int) -> Sequence[str]:
        query = select(FaceImport.import_id).where(FaceImport.ended_at < moment).limit(limit)
        return self._session.scalars(query).all()

    def keys_needed(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of the object keys whose import has not ended."""
        query = select(FaceImport.object_key).where(
            FaceImport.object_key.in_(list(keys)), FaceImport.state.not_in(ENDED)
        )
        return frozenset(self._session.scalars(query))

    def delete(self, import_ids: Iterable[str]) -> None:
        """Remove imports with the lines of their reports."""
        wanted = list(import_ids)
        self._session.execute(delete(FaceImportLine).where(FaceImportLine.import_id.in_(wanted)))
        self._session.execute(delete(FaceImport).where(FaceImport.import_id.in_(wanted)))
