"""Decisions about who is who, and what they move, in SQL. `gallery` decides what is moved.

Ids go in by the thousand, because databases limit how many values one statement may have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.orm import Session

from face_search.adapters.vectors import Vectors
from shared_kernel.tables import FaceSample, GalleryChange, NotThisPerson, Person, Sighting
from shared_kernel.tables.conditions import newest_first

#: Values of one statement.
_BATCH: Final = 1000
#: Decisions that move samples and sightings from one person to another.
_MOVING: Final = ("merge", "split")


class Changes:
    """The table gallery_changes, and whose samples and sightings are."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._vectors = Vectors(session)

    def get(self, change_id: str, *, lock: bool = False) -> GalleryChange | None:
        """Give a decision; locked, nobody takes it back meanwhile."""
        return self._session.get(GalleryChange, change_id, with_for_update=lock or None)

    def add(self, row: GalleryChange) -> None:
        """Keep a decision."""
        self._session.add(row)
        self._session.flush()

    def page(self, person_id: str | None, after: tuple[datetime, str] | None, limit: int) -> Sequence[GalleryChange]:
        """Give the newest first, of one person or of all."""
        query = select(GalleryChange)
        if person_id is not None:
            query = query.where(_about([person_id]))
        page = newest_first(query, GalleryChange.created_at, GalleryChange.change_id, after, limit)
        return self._session.scalars(page).all()

    def later(self, than: GalleryChange, person_ids: Collection[str]) -> GalleryChange | None:
        """Give a later merge or split of these persons that still stands."""
        query = select(GalleryChange).where(
            _about(person_ids),
            GalleryChange.kind.in_(_MOVING),
            GalleryChange.undone_at.is_(None),
            GalleryChange.created_at >= than.created_at,
            GalleryChange.change_id != than.change_id,
        )
        return self._session.scalars(query.order_by(GalleryChange.created_at.desc()).limit(1)).first()

    def latest(self, person_ids: Collection[str]) -> datetime | None:
        """Say when something was last decided about one of these persons."""
        query = select(GalleryChange.created_at).where(_about(person_ids))
        return self._session.scalars(query.order_by(GalleryChange.created_at.desc()).limit(1)).first()

    def contents_of(self, person_id: str) -> frozenset[bytes]:
        """Give what the pictures of a person are, as hashes."""
        return frozenset(
            self._session.scalars(select(FaceSample.content_sha256).where(FaceSample.person_id == person_id))
        )

    def sightings_of(self, person_id: str) -> Sequence[str]:
        """Give every sighting of a person."""
        query = select(Sighting.sighting_id).where(Sighting.person_id == person_id)
        return self._session.scalars(query.order_by(Sighting.sighting_id)).all()

    def sightings(self, sighting_ids: Collection[str]) -> Iterator[Sighting]:
        """Give those of these sightings that there are, locked."""
        for batch in _batches(sighting_ids):
            query = select(Sighting).where(Sighting.sighting_id.in_(batch)).order_by(Sighting.sighting_id)
            yield from self._session.scalars(query.with_for_update()).all()

    def beside(self, person_id: str) -> Sequence[Sighting]:
        """Give the sightings for which this person was the next nearest."""
        return self._session.scalars(select(Sighting).where(Sighting.runner_up_id == person_id)).all()

    def move_samples(self, sample_ids: Collection[str], from_id: str, to_id: str) -> int:
        """Give samples of one person to another; say how many were still there."""
        moved = 0
        for batch in _batches(sample_ids):
            where = FaceSample.sample_id.in_(batch), FaceSample.person_id == from_id
            moved += self._updated(update(FaceSample).where(*where).values(person_id=to_id))
            self._vectors.again(batch)  # filters of the index know persons
        return moved

    def move_sightings(self, sighting_ids: Collection[str], from_id: str, to_id: str) -> int:
        """Give sightings of one person to another; say how many were still theirs."""
        moved = 0
        for batch in _batches(sighting_ids):
            where = Sighting.sighting_id.in_(batch), Sighting.person_id == from_id
            moved += self._updated(update(Sighting).where(*where).values(person_id=to_id))
            self._vectors.again(batch)  # filters of the index know persons
        return moved

    def negatives_of(self, person_id: str) -> frozenset[str]:
        """Give the sightings that are said not to be this person."""
        query = select(NotThisPerson.sighting_id).where(NotThisPerson.person_id == person_id)
        return frozenset(self._session.scalars(query))

    def decided_about(self, sighting_ids: Collection[str], since: datetime) -> frozenset[str]:
        """Say about which of these sightings a human decided at `since` or later."""
        found: set[str] = set()
        for batch in _batches(sighting_ids):
            query = select(Sighting.sighting_id).where(Sighting.sighting_id.in_(batch), Sighting.decided_at >= since)
            found.update(self._session.scalars(query))
        return frozenset(found)

    def absorb(self, person_ids: Collection[str], from_id: str, to_id: str) -> None:
        """Let those who turned out to be one person be another."""
        if person_ids:
            where = Person.person_id.in_(person_ids), Person.merged_into == from_id
            self._updated(update(Person).where(*where).values(merged_into=to_id))

    def _updated(self, statement: Any) -> int:
        # rows that the session holds are to be right afterwards too
        done = self._session.execute(statement.execution_options(synchronize_session="fetch"))
        return cast("CursorResult[Any]", done).rowcount


def _about(person_ids: Collection[str]) -> Any:
    return or_(GalleryChange.person_id.in_(person_ids), GalleryChange.other_id.in_(person_ids))


def _batches(ids: Collection[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), _BATCH):
        yield ordered[start : start + _BATCH]
