"""The sightings that a way is made of, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from face_search.adapters.likeness import Viewer
from shared_kernel.tables import NotThisPerson, Person, Sighting
from shared_kernel.tables.conditions import equal, newest_first, within


@dataclass(frozen=True)
class SightingFilter:
    """Which sightings; None means all. `after`: (time, id) of the last row of the page before."""

    person_id: str | None = None
    camera_id: str | None = None
    decision: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[datetime, str] | None = None


class Tracks:
    """Reads the tables sightings and face_negatives."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def person(self, person_id: str) -> Person | None:
        """Give the person of this id, if there is one."""
        return self._session.get(Person, person_id)

    def of_person(
        self, person_id: str, viewer: Viewer, since: datetime, until: datetime, limit: int
    ) -> Sequence[Sighting]:
        """Give the newest sightings in [since, until) of a person, and those that are said not to be this person."""
        names = select(Person.person_id).where(or_(Person.person_id == person_id, Person.merged_into == person_id))
        rejected = exists().where(
            NotThisPerson.sighting_id == Sighting.sighting_id, NotThisPerson.person_id == person_id
        )
        query = (
            select(Sighting)
            .where(or_(Sighting.person_id.in_(names), rejected), viewer.where)
            .where(within(Sighting.seen_at, since, until))
        )
        page = newest_first(query, Sighting.seen_at, Sighting.sighting_id, None, limit)
        return self._session.scalars(page).all()

    def rejected(self, person_id: str, sighting_ids: Collection[str]) -> frozenset[str]:
        """Say which of these are said not to be this person."""
        query = select(NotThisPerson.sighting_id).where(NotThisPerson.person_id == person_id)
        return frozenset(self._session.scalars(query.where(NotThisPerson.sighting_id.in_(sorted(sighting_ids)))))

    def several(self, sighting_ids: Collection[str], viewer: Viewer) -> dict[str, Sighting]:
        """Give those of these sightings that the viewer may see, by id."""
        query = select(Sighting).where(Sighting.sighting_id.in_(sorted(sighting_ids)), viewer.where)
        return {row.sighting_id: row for row in self._session.scalars(query)}

    def one(self, sighting_id: str, viewer: Viewer) -> Sighting | None:
        """Give this sighting, if the viewer may see it."""
        return self.several([sighting_id], viewer).get(sighting_id)

    def page(self, which: SightingFilter, viewer: Viewer, limit: int) -> Sequence[Sighting]:
        """Give the newest first, of those that the viewer may see."""
        query = select(Sighting).where(
            viewer.where,
            equal(Sighting.person_id, which.person_id),
            equal(Sighting.camera_id, which.camera_id),
            equal(Sighting.decision, which.decision),
            within(Sighting.seen_at, which.since, which.until),
        )
        page = newest_first(query, Sighting.seen_at, Sighting.sighting_id, which.after, limit)
        return self._session.scalars(page).all()
