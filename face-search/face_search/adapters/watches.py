"""Alerts about people on watch lists, in SQL. Who may see one is decided by who may see its sighting."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from face_search.adapters.likeness import Viewer
from shared_kernel.tables import Person, Sighting, WatchAlert
from shared_kernel.tables.conditions import equal, newest_first, within


@dataclass(frozen=True)
class WatchFilter:
    """Which alerts; None means all. `after`: (time, id) of the last row of the page before."""

    person_id: str | None = None
    camera_id: str | None = None
    acknowledged: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """An alert, its sighting as it is now, and who the person is by now: entries are merged."""

    alert: WatchAlert
    sighting: Sighting
    person_id: str


class Watches:
    """Writes the table watch_alerts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: WatchAlert) -> None:
        """Keep an alert; one that was raised stays as it was."""
        if self._session.get(WatchAlert, row.alert_id) is None:
            self._session.add(row)
            self._session.flush()

    def raised(self, sighting_id: str, person_ids: Collection[str | None]) -> str | None:
        """Give the alert that a sighting raised about one of these persons; about the first of them who has one."""
        rows = self._session.scalars(select(WatchAlert).where(WatchAlert.sighting_id == sighting_id))
        found = {row.person_id: row.alert_id for row in rows}
        return next((found[one] for one in person_ids if one in found), None)

    def page(self, which: WatchFilter, viewer: Viewer, limit: int) -> Sequence[Watched]:
        """Give the newest first, of those that the viewer may see."""
        query = _visible(viewer).where(
            equal(Sighting.camera_id, which.camera_id), within(WatchAlert.seen_at, which.since, which.until)
        )
        if which.person_id is not None:
            query = query.where(or_(Person.person_id == which.person_id, Person.merged_into == which.person_id))
        if which.acknowledged is not None:
            done = WatchAlert.acknowledged_at.is_not(None)
            query = query.where(done if which.acknowledged else ~done)
        page = newest_first(query, WatchAlert.seen_at, WatchAlert.alert_id, which.after, limit)
        return [Watched(alert, sighting, one) for alert, sighting, one in self._session.execute(page)]

    def one(self, alert_id: str, viewer: Viewer, *, lock: bool = False) -> Watched | None:
        """Give this alert, if the viewer may see it; locked, nobody acknowledges it meanwhile."""
        if lock:
            self._session.get(WatchAlert, alert_id, with_for_update=True)
        found = self._session.execute(_visible(viewer).where(WatchAlert.alert_id == alert_id)).first()
        return None if found is None else Watched(found[0], found[1], found[2])


def _visible(viewer: Viewer) -> Select[WatchAlert, Sighting, str]:
    """Alerts whose sighting is for the viewer and whose person is still enrolled."""
    return (
        select(WatchAlert, Sighting, func.coalesce(Person.merged_into, Person.person_id))
        .join(Sighting, Sighting.sighting_id == WatchAlert.sighting_id)
        .join(Person, Person.person_id == WatchAlert.person_id)
        .where(viewer.where)
    )
