"""What a search reads: vectors, whose they are, what may be shown of them, and what a human said they are not.

The index says what is near; everything that is shown is held against these tables, in one transaction. Ids go in by
the thousand, because databases limit how many values one statement may have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from face_search.ports import Vector
from shared_kernel.tables import FaceErasure, FaceSample, FaceVector, NotThisPerson, Person, PersonOnList, Sighting
from shared_kernel.tables.conditions import among, within

#: Values of one statement.
BATCH: Final = 1000
#: Links from a person to the one they turned out to be that are followed.
_MERGES: Final = 8


@dataclass(frozen=True, slots=True)
class Viewer:
    """What one user may see. `cameras`: None is all of them; a photo is shown to who took it and who sees all."""

    user_id: str
    cameras: frozenset[str] | None

    @property
    def sources(self) -> frozenset[str] | None:
        """Whose sightings those are: ids of cameras, and of users who took photos. None: everybody's."""
        return None if self.cameras is None else self.cameras | {self.user_id}

    def may_see(self, row: Sighting) -> bool:
        """Tell whether this sighting is one for the viewer."""
        return self.sources is None or source_of(row) in self.sources

    @property
    def where(self) -> ColumnElement[bool]:
        """The same, as a condition."""
        if self.sources is None:
            return true()
        photo = and_(Sighting.camera_id.is_(None), Sighting.taken_by.in_(self.sources))
        return or_(Sighting.camera_id.in_(self.sources), photo)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A face by which somebody is compared: which sample or sighting, its vector, whether mouth or nose are hidden."""

    subject_id: str
    vector: Vector
    covered: bool


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who is enrolled, as far as an answer names them."""

    person_id: str
    name: str
    external_ref: str | None
    note: str
    list_ids: tuple[str, ...]
    best_sample_id: str | None


class Likeness:
    """Reads face_vectors with what they belong to."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of_person(self, person_id: str, model: str, limit: int) -> list[Picture]:
        """Give the best samples of a person, and of those who turned out to be them."""
        same = select(Person.person_id).where(or_(Person.person_id == person_id, Person.merged_into == person_id))
        query = (
            select(FaceSample.sample_id, FaceVector.vector, FaceSample.covered)
            .join(FaceVector, _vector_of(FaceSample.sample_id, model))
            .where(FaceSample.person_id.in_(same))
            .order_by(FaceSample.covered, FaceSample.quality.desc(), FaceSample.sample_id)
            .limit(limit)
        )
        return [Picture(one, as_vector(vector), covered) for one, vector, covered in self._session.execute(query)]

    def of_sighting(self, sighting_id: str, model: str) -> Picture | None:
        """Give the face of a sighting; None when it has no vector of this model."""
        query = (
            select(FaceVector.vector, Sighting.covered)
            .join(Sighting, Sighting.sighting_id == FaceVector.subject_id)
            .where(_vector_of(Sighting.sighting_id, model), Sighting.sighting_id == sighting_id)
        )
        found = self._session.execute(query).first()
        return None if found is None else Picture(sighting_id, as_vector(found[0]), found[1])

    def owners(self, sample_ids: Collection[str], moment: datetime) -> dict[str, str]:
        """Say whose these samples are: persons of their own whose basis has not ended and whom nobody is erasing."""
        found: dict[str, str] = {}
        for batch in _batches(sample_ids):
            query = select(FaceSample.sample_id, FaceSample.person_id).where(FaceSample.sample_id.in_(batch))
            found |= {row.sample_id: row.person_id for row in self._session.execute(query)}
        final = self._final_persons(set(found.values()), moment)
        erased = self._being_erased({*final, *final.values()})
        return {
            sample_id: final[one] for sample_id, one in found.items() if one in final and not {one, final[one]} & erased
        }

    def _being_erased(self, person_ids: Collection[str]) -> set[str]:
        found: set[str] = set()
        for batch in _batches(person_ids):
            query = select(FaceErasure.subject_id).where(FaceErasure.subject_id.in_(batch))
            found.update(self._session.scalars(query))
        return found

    def _final_persons(self, person_ids: set[str], moment: datetime) -> dict[str, str]:
        rows: dict[str, Person] = {}
        wanted = person_ids
        for _ in range(_MERGES):
            for batch in _batches(wanted - set(rows)):
                query = select(Person).where(Person.person_id.in_(batch))
                rows |= {row.person_id: row for row in self._session.scalars(query)}
            wanted = {row.merged_into for row in rows.values() if row.merged_into}
            if wanted <= set(rows):
                break
        final: dict[str, str] = {}
        for person_id in person_ids:
            row = rows.get(person_id)
            for _ in range(_MERGES):
                if row is None or row.merged_into is None:
                    break
                row = rows.get(row.merged_into)
            if row is not None and row.merged_into is None and (row.expires_at is None or row.expires_at > moment):
                final[person_id] = row.person_id
        return final

    def visible(
        self, sighting_ids: Collection[str], viewer: Viewer, camera_ids: frozenset[str] | None = None
    ) -> dict[str, str | None]:
        """Give those of these sightings that are there and for this viewer, each with who it is taken for.

        Args:
            sighting_ids: which.
            viewer: for whom.
            camera_ids: of these cameras only; None: whichever.
        """
        found: dict[str, str | None] = {}
        for batch in _batches(sighting_ids):
            query = select(Sighting.sighting_id, Sighting.person_id).where(
                Sighting.sighting_id.in_(batch), viewer.where, among(Sighting.camera_id, camera_ids)
            )
            found |= {row.sighting_id: row.person_id for row in self._session.execute(query)}
        return found

    def known(self, person_ids: Collection[str]) -> dict[str, Known]:
        """Give these persons by id, each with the best of their samples."""
        found: dict[str, Known] = {}
        for batch in _batches(person_ids):
            lists: dict[str, list[str]] = {}
            on = select(PersonOnList.person_id, PersonOnList.list_id).where(PersonOnList.person_id.in_(batch))
            for person_id, list_id in self._session.execute(on.order_by(PersonOnList.list_id)):
                lists.setdefault(person_id, []).append(list_id)
            of = select(FaceSample.person_id, FaceSample.sample_id).where(FaceSample.person_id.in_(batch))
            # the best comes last and stays
            ordered = of.order_by(FaceSample.covered.desc(), FaceSample.quality, FaceSample.sample_id.desc())
            best = {row.person_id: row.sample_id for row in self._session.execute(ordered)}
            for row in self._session.scalars(select(Person).where(Person.person_id.in_(batch))):
                one, on_lists = row.person_id, tuple(lists.get(row.person_id, ()))
                found[one] = Known(one, row.name, row.external_ref, row.note, on_lists, best.get(one))
        return found

    def on_lists(self, list_ids: Collection[str]) -> frozenset[str]:
        """Give the persons who are on one of these lists."""
        query = select(PersonOnList.person_id).where(PersonOnList.list_id.in_(sorted(list_ids)))
        return frozenset(self._session.scalars(query))

    def enrolled(self, limit: int) -> int:
        """Count those who can be found by a sample, up to `limit`."""
        query: Select[Any] = select(FaceSample.person_id).distinct().limit(limit)
        return self._session.scalar(select(func.count()).select_from(query.subquery())) or 0

    def seen(
        self,
        viewer: Viewer,
        limit: int,
        since: datetime | None = None,
        until: datetime | None = None,
        camera_ids: frozenset[str] | None = None,
    ) -> int:
        """Count the sightings that a viewer may see in [since, until) by these cameras, up to `limit`."""
        which = within(Sighting.seen_at, since, until), among(Sighting.camera_id, camera_ids)
        query = select(Sighting.sighting_id).where(viewer.where, *which).limit(limit)
        return self._session.scalar(select(func.count()).select_from(query.subquery())) or 0

    def negatives(self, person_ids: Collection[str], model: str) -> dict[str, NDArray[np.float32]]:
        """Give the faces that are said not to be these persons, N x D float32 each."""
        found: dict[str, list[Vector]] = {}
        of = aliased(FaceVector)
        for batch in _batches(person_ids):
            query = (
                select(NotThisPerson.person_id, of.vector)
                .join(of, and_(of.subject_id == NotThisPerson.sighting_id, of.model == model))
                .where(NotThisPerson.person_id.in_(batch))
            )
            for person_id, vector in self._session.execute(query):
                found.setdefault(person_id, []).append(as_vector(vector))
        return {person_id: np.stack(vectors) for person_id, vectors in found.items()}


def source_of(row: Sighting) -> str:
    """Say what decides who may see a sighting: its camera, or who took the photo. Empty: neither is known."""
    return row.camera_id or row.taken_by or ""


def as_vector(stored: bytes) -> Vector:
    """Read a vector as the table keeps it: D float32, little-endian."""
    return np.frombuffer(stored, dtype="<f4").astype(np.float32)


def _vector_of(subject: Any, model: str) -> ColumnElement[bool]:
    return and_(FaceVector.subject_id == subject, FaceVector.model == model, FaceVector.index_state != "removing")


def _batches(ids: Collection[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]
