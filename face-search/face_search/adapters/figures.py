"""How many: the figures of the legal report in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from shared_kernel.tables import FaceErasure, FaceList, Person, PersonOnList, Sighting

_IS_ONE = Person.merged_into.is_(None)


class Figures:
    """Persons who turned out to be another are counted with that one."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def by_basis(self) -> Mapping[str, int]:
        query = select(Person.basis, func.count()).where(_IS_ONE).group_by(Person.basis)
        return {basis: int(count) for basis, count in self._session.execute(query)}

    def without_end(self) -> int:
        query = select(func.count()).select_from(Person).where(_IS_ONE, Person.expires_at.is_(None))
        return int(self._session.scalar(query) or 0)

    def by_list(self) -> Sequence[tuple[str, str, int]]:
        """(list, name, persons), by name; also empty ones."""
        query = (
            select(FaceList.list_id, FaceList.name, func.count(Person.person_id))
            .outerjoin(PersonOnList, PersonOnList.list_id == FaceList.list_id)
            .outerjoin(Person, (Person.person_id == PersonOnList.person_id) & _IS_ONE)
            .group_by(FaceList.list_id, FaceList.name)
            .order_by(FaceList.name, FaceList.list_id)
        )
        return [(list_id, name, int(persons)) for list_id, name, persons in self._session.execute(query)]

    def ending(self, before: datetime, limit: int) -> Sequence[Person]:
        """Persons who are erased by themselves before that moment, the first first."""
        query = select(Person).where(_IS_ONE, Person.expires_at < before).order_by(Person.expires_at, Person.person_id)
        return self._session.scalars(query.limit(limit)).all()

    def sightings(self) -> tuple[int, int, datetime | None]:
        """Faces that were seen, those of nobody who is enrolled, and when the oldest was seen."""
        nameless = func.sum(case((Sighting.person_id.is_(None), 1), else_=0))
        count, without, oldest = self._session.execute(select(func.count(), nameless, func.min(Sighting.seen_at))).one()
        return int(count), int(without or 0), oldest

    def erasures(self) -> tuple[int, int]:
        """Persons and photos that were erased, and that are being."""
        query = (
            select(FaceErasure.state, func.count()).where(FaceErasure.cause != "retention").group_by(FaceErasure.state)
        )
        found = {state: int(count) for state, count in self._session.execute(query)}
        return found.get("done", 0), found.get("running", 0)
