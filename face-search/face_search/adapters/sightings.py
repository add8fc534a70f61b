"""Sightings as `identify` writes them, and what is told of the person in SQL. Reading them for people: `tracks`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_kernel.messages import ListKind
from shared_kernel.tables import FaceList, FaceSample, Person, PersonOnList, Sighting


@dataclass(frozen=True, slots=True)
class Recognised:
    """Somebody who was recognised, as far as others are told."""

    person_id: str
    name: str
    list_kinds: tuple[ListKind, ...]
    list_names: tuple[str, ...]
    #: Names of those of them that want to be told.
    alerting: tuple[str, ...]

    @property
    def alerts(self) -> bool:
        """Whether seeing this person is an alert."""
        return bool(self.alerting)


class Sightings:
    """Writes the table sightings."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, sighting_id: str, *, lock: bool = False) -> Sighting | None:
        """Give a sighting; locked, nobody decides about it meanwhile."""
        return self._session.get(Sighting, sighting_id, with_for_update=lock or None)

    def add(self, row: Sighting) -> None:
        """Add a sighting."""
        self._session.add(row)
        self._session.flush()

    def recognised(self, person_id: str, moment: datetime) -> Recognised | None:
        """Give what others are told of a person; None when there is no such person any more."""
        person = self._session.get(Person, person_id)
        if person is None or (person.expires_at is not None and person.expires_at <= moment):
            return None
        on = PersonOnList.list_id == FaceList.list_id
        query = select(FaceList).join(PersonOnList, on).where(PersonOnList.person_id == person_id)
        lists = self._session.scalars(query.order_by(FaceList.created_at, FaceList.list_id)).all()
        return Recognised(
            person_id=person_id,
            name=person.name,
            list_kinds=tuple(dict.fromkeys(cast("ListKind", one.kind) for one in lists)),
            list_names=tuple(one.name for one in lists),
            alerting=tuple(one.name for one in lists if one.alerts),
        )

    def crop_of_sample(self, sample_id: str) -> str | None:
        """Give the object key of a sample's picture."""
        return self._session.scalars(select(FaceSample.crop_key).where(FaceSample.sample_id == sample_id)).first()
