"""The sightings that a way is made of, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from face_search.adapters.likeness import Viewer
from shared_kernel.tables import NotThisPerson, Person, Sighting


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
            .where(Sighting.seen_at >= since, Sighting.seen_at < until)
            .order_by(Sighting.seen_at.desc(), Sighting.sighting_id.desc())
            .limit(limit)
        )
        return self._session.scalars(query).all()

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
