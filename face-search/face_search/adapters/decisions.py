"""What humans decide about sightings, in SQL: who it is, who it is not, and what is needed to take that back."""

from __future__ import annotations

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from shared_kernel.clock import now
from shared_kernel.tables import FaceVector, GalleryChange, NotThisPerson, Person, Sighting


class Decisions:
    """Writes sightings, face_negatives and gallery_changes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def sighting(self, sighting_id: str) -> Sighting | None:
        """Give a sighting, locked: who decides at the same time decides after us."""
        return self._session.get(Sighting, sighting_id, with_for_update=True)

    def person(self, person_id: str) -> Person | None:
        """Give a person, locked: nobody erases or merges them meanwhile."""
        return self._session.get(Person, person_id, with_for_update=True)

    def is_negative(self, person_id: str, sighting_id: str) -> bool:
        """Tell whether a sighting is said not to be a person."""
        return self._session.get(NotThisPerson, (person_id, sighting_id)) is not None

    def add_negative(self, person_id: str, sighting_id: str, user_id: str | None) -> None:
        """Keep that a sighting is not a person; said twice it is kept once."""
        if not self.is_negative(person_id, sighting_id):
            row = NotThisPerson(person_id=person_id, sighting_id=sighting_id, created_by=user_id, created_at=now())
            self._session.add(row)
            self._session.flush()

    def remove_negative(self, person_id: str, sighting_id: str) -> None:
        """Forget that a sighting is not a person."""
        where = NotThisPerson.person_id == person_id, NotThisPerson.sighting_id == sighting_id
        self._session.execute(delete(NotThisPerson).where(*where))

    def note(self, change: GalleryChange) -> None:
        """Keep how it was."""
        self._session.add(change)
        self._session.flush()

    def index_again(self, sighting_id: str) -> None:
        """Have the index told: it filters sightings by their person."""
        where = FaceVector.subject_id == sighting_id, FaceVector.index_state != "removing"
        self._session.execute(update(FaceVector).where(*where).values(index_state="pending", updated_at=now()))
