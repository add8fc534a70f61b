"""The log of live events in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from shared_kernel.tables import EventLog


class Events:
    def __init__(self, session: Session) -> None:
        self._session = session
        #: Whether this transaction added an event.
        self.appended = False

    def append(self, row: EventLog) -> bool:
        """Add the event, unless its cause was told before. Looks first: a refused insert would use up an id."""
        if self._session.scalars(select(EventLog.event_id).where(EventLog.message_id == row.message_id)).first():
            return False
        self._session.add(row)
        self._session.flush()
        self.appended = True
        return True

    def of(self, message_id: str) -> EventLog | None:
        """What was told of this cause."""
        return self._session.scalars(select(EventLog).where(EventLog.message_id == message_id)).first()

    def after(self, event_id: int, limit: int, *, up_to: int | None = None) -> Sequence[EventLog]:
        query = select(EventLog).where(EventLog.event_id > event_id).order_by(EventLog.event_id).limit(limit)
        return self._session.scalars(query if up_to is None else query.where(EventLog.event_id <= up_to)).all()

    def bounds(self) -> tuple[int, int]:
        """Smallest and largest id; (0, 0) where nothing ever happened."""
        row = self._session.execute(select(func.min(EventLog.event_id), func.max(EventLog.event_id))).one()
        return int(row[0] or 0), int(row[1] or 0)

    def delete_before(self, moment: datetime, limit: int) -> int:
        """Remove old events, never the newest: from it one can tell what is gone."""
        newest = self.bounds()[1]
        query = select(EventLog.event_id).where(EventLog.created_at < moment, EventLog.event_id < newest)
        found = self._session.scalars(query.order_by(EventLog.event_id).limit(limit)).all()
        if found:
            self._session.execute(delete(EventLog).where(EventLog.event_id.in_(found)))
        return len(found)

    def delete_of(self, message_ids: Iterable[str]) -> None:
        """Remove what was told of these causes. Whoever resumes at one of them goes on with the next, or is reset."""
        self._session.execute(delete(EventLog).where(EventLog.message_id.in_(list(message_ids))))
