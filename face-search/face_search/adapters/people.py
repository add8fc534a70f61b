"""Persons and the lists they are on in SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from shared_kernel.tables import FaceList, Person, PersonOnList
from shared_kernel.tables.conditions import newest_first


@dataclass(frozen=True, slots=True)
class PersonFilter:
    """Which persons; None means all. `after`: (time, id) of the last row of the page before."""

    text: str | None = None
    list_id: str | None = None
    after: tuple[datetime, str] | None = None


class FaceLists:
    """The table face_lists."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, list_id: str, *, lock: bool = False) -> FaceList | None:
        """Give a list; locked, nobody changes it meanwhile."""
        return self._session.get(FaceList, list_id, with_for_update=lock or None)

    def all(self) -> Sequence[tuple[FaceList, int]]:
        """Give every list with how many are on it: those who turned out to be somebody else are not counted."""
        query = (
            select(FaceList, func.count(Person.person_id))
            .outerjoin(PersonOnList, PersonOnList.list_id == FaceList.list_id)
            .outerjoin(Person, and_(Person.person_id == PersonOnList.person_id, Person.merged_into.is_(None)))
            .group_by(FaceList.list_id)
            .order_by(FaceList.created_at, FaceList.list_id)
        )
        return [(row, int(count)) for row, count in self._session.execute(query)]

    def with_code(self, code: str) -> FaceList | None:
        """Give the list of this code."""
        return self._session.scalars(select(FaceList).where(FaceList.code == code)).first()

    def that_exist(self, list_ids: Collection[str]) -> frozenset[str]:
        """Say which of these lists there are."""
        return frozenset(self._session.scalars(select(FaceList.list_id).where(FaceList.list_id.in_(list_ids))))

    def count(self) -> int:
        """Say how many there are."""
        return self._session.scalar(select(func.count()).select_from(FaceList)) or 0

    def members(self, list_id: str) -> int:
        """Say how many are on a list, also those who turned out to be somebody else."""
        query = select(func.count()).select_from(PersonOnList).where(PersonOnList.list_id == list_id)
        return self._session.scalar(query) or 0

    def add(self, row: FaceList) -> None:
        """Add a list."""
        self._session.add(row)
        self._session.flush()

    def remove(self, row: FaceList) -> None:
        """Remove a list; whoever was on it is not any more."""
        self._session.delete(row)
        self._session.flush()


class People:
    """The tables persons and person_lists."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, person_id: str) -> Person | None:
        """Give a person, also one who turned out to be somebody else."""
        return self._session.get(Person, person_id)

    def locked(self, *person_ids: str) -> dict[str, Person]:
        """Give those of these persons that there are; nobody changes them meanwhile.

        They are locked in the order of their ids, so that two who want the same two do not wait for each other.
        """
        found = {}
        for person_id in sorted(set(person_ids)):
            row = self._session.get(Person, person_id, with_for_update=True)
            if row is not None:
                found[person_id] = row
        return found

    def with_ref(self, external_ref: str) -> Person | None:
        """Give the person who has this number."""
        return self._session.scalars(select(Person).where(Person.external_ref == external_ref)).first()

    def page(self, which: PersonFilter, moment: datetime, limit: int) -> Sequence[Person]:
        """Give persons of their own whose basis has not ended by `moment`, the newest first."""
        query = select(Person).where(Person.merged_into.is_(None), _stands(moment))
        if which.text:
            name = Person.name.icontains(which.text, autoescape=True)
            query = query.where(or_(name, Person.external_ref.icontains(which.text, autoescape=True)))
        if which.list_id is not None:
            on = PersonOnList.person_id == Person.person_id, PersonOnList.list_id == which.list_id
            query = query.where(exists().where(*on))
        return self._session.scalars(newest_first(query, Person.created_at, Person.person_id, which.after, limit)).all()

    def merged_into(self, person_id: str) -> Sequence[Person]:
        """Give those who turned out to be this person."""
        return self._session.scalars(select(Person).where(Person.merged_into == person_id)).all()

    def add(self, row: Person) -> None:
        """Add a person."""
        self._session.add(row)
        self._session.flush()

    def remove(self, row: Person) -> None:
        """Remove a person who has nothing left."""
        self._session.delete(row)
        self._session.flush()

    def lists_of(self, person_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Give the lists that each of these persons is on."""
        query = select(PersonOnList.person_id, PersonOnList.list_id).where(PersonOnList.person_id.in_(person_ids))
        found: dict[str, set[str]] = {person_id: set() for person_id in person_ids}
        for person_id, list_id in self._session.execute(query):
            found[person_id].add(list_id)
        return {person_id: frozenset(list_ids) for person_id, list_ids in found.items()}

    def put_on(self, person_id: str, list_ids: Iterable[str], moment: datetime) -> None:
        """Put a person on lists that they are not on."""
        for list_id in sorted(list_ids):
            self._session.add(PersonOnList(person_id=person_id, list_id=list_id, added_at=moment))
        self._session.flush()

    def take_off(self, person_id: str, list_ids: Collection[str]) -> int:
        """Take a person off these lists; say off how many they were taken."""
        where = PersonOnList.person_id == person_id, PersonOnList.list_id.in_(list_ids)
        done = self._session.execute(delete(PersonOnList).where(*where))
        return cast("CursorResult[Any]", done).rowcount


def _stands(moment: datetime) -> ColumnElement[bool]:
    return or_(Person.expires_at.is_(None), Person.expires_at > moment)
