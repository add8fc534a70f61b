"""Samples, the pictures by which persons are recognised, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from face_search.adapters.likeness import as_vector
from face_search.ports import Vector
from shared_kernel.tables import FaceSample, FaceVector

#: Rows that are fetched at once when all are looked at.
_PORTION: Final = 2_000


class Samples:
    """The table face_samples; vectors are only read here."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, sample_id: str, *, lock: bool = False) -> FaceSample | None:
        """Give a sample; locked, nobody removes or moves it meanwhile."""
        return self._session.get(FaceSample, sample_id, with_for_update=lock or None)

    def several(self, sample_ids: Collection[str]) -> Sequence[FaceSample]:
        """Give those of these samples that there are."""
        return self._session.scalars(select(FaceSample).where(FaceSample.sample_id.in_(sample_ids))).all()

    def of_person(self, person_id: str) -> Sequence[FaceSample]:
        """Give the samples of a person, the best first."""
        order = FaceSample.covered, FaceSample.quality.desc(), FaceSample.sample_id
        return self._session.scalars(select(FaceSample).where(FaceSample.person_id == person_id).order_by(*order)).all()

    def with_content(self, person_id: str, content_sha256: bytes) -> FaceSample | None:
        """Give the sample of a person that was made of this very picture."""
        where = FaceSample.person_id == person_id, FaceSample.content_sha256 == content_sha256
        return self._session.scalars(select(FaceSample).where(*where)).first()

    def counts(self, person_ids: Collection[str]) -> Mapping[str, int]:
        """Say how many samples each of these persons has."""
        query = select(FaceSample.person_id, func.count()).where(FaceSample.person_id.in_(person_ids))
        found = {one: int(count) for one, count in self._session.execute(query.group_by(FaceSample.person_id))}
        return {person_id: found.get(person_id, 0) for person_id in person_ids}

    def add(self, row: FaceSample) -> None:
        """Add a sample."""
        self._session.add(row)
        self._session.flush()

    def remove(self, row: FaceSample) -> None:
        """Remove a sample; its vectors and pictures are for the caller."""
        self._session.delete(row)
        self._session.flush()

    def vectors(self, model: str, *, pending: bool = False) -> Iterator[tuple[str, Vector]]:
        """Give sample ids with their vectors of a model: of all samples, or of those that the index has not got yet."""
        last = ""
        state = FaceVector.index_state == "pending" if pending else FaceVector.index_state != "removing"
        of = and_(FaceVector.subject_id == FaceSample.sample_id, FaceVector.model == model, state)
        query = select(FaceSample.sample_id, FaceVector.vector).join(FaceVector, of).order_by(FaceSample.sample_id)
        while True:
            rows = self._session.execute(query.where(FaceSample.sample_id > last).limit(_PORTION)).all()
            for sample_id, vector in rows:
                yield sample_id, as_vector(vector)
            if len(rows) < _PORTION:
                return
            last = rows[-1][0]

    def count(self) -> int:
        """Say how many samples there are."""
        return self._session.scalar(select(func.count()).select_from(FaceSample)) or 0
