"""Vectors in SQL, the truth that the index is a cache of, and how far the index has got.

A vector is added in the transaction of its sample or sighting, `pending`. `syncing` puts it into the index and marks it
`indexed`; what searches filter by may change, then it is `pending` again. To be taken out it is `removing`, and its row
goes after the entry. So a crash at any step leaves a row that says what is still to be done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from sqlalchemy import CursorResult, delete, exists, func, select, update
from sqlalchemy.orm import Session

from face_search.adapters.likeness import as_vector, source_of
from face_search.ports import IndexEntry, Vector, VectorKind
from shared_kernel.clock import now, unix_ms
from shared_kernel.errors import Conflict, Unavailable
from shared_kernel.messages import MaskState, derived_id
from shared_kernel.tables import FaceModel, FaceSample, FaceVector, Sighting

#: Values of one statement.
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Upright:
    """A stored face that has no vector of a model yet: which, and where its upright picture lies."""

    kind: VectorKind
    subject_id: str
    aligned_key: str


class Vectors:
    """The tables face_vectors and face_models."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, kind: VectorKind, subject_id: str, model: str, vector: Vector) -> None:
        """Keep the vector of a sample or sighting; one that there is already is replaced."""
        vector_id = derived_id(subject_id, model)
        stored = np.ascontiguousarray(vector, dtype="<f4").tobytes()
        row = self._session.get(FaceVector, vector_id, with_for_update=True)
        if row is None:
            row = FaceVector(vector_id=vector_id, kind=kind, subject_id=subject_id, model=model)
            self._session.add(row)
        row.vector, row.index_state, row.updated_at = stored, "pending", now()
        self._session.flush()

    def again(self, subject_ids: Collection[str]) -> None:
        """Have the index told anew: whose these are has changed. For the transaction that changes it."""
        for batch in _batches(subject_ids):
            # also those that are pending: the lock on the row is what orders us and `settle`
            where = FaceVector.subject_id.in_(batch), FaceVector.index_state != "removing"
            self._change(update(FaceVector).where(*where).values(index_state="pending", updated_at=now()))

    def take_out(self, subject_ids: Collection[str]) -> None:
        """Have the vectors of these samples and sightings leave the index and then their table."""
        for batch in _batches(subject_ids):
            where = FaceVector.subject_id.in_(batch)
            self._change(update(FaceVector).where(where).values(index_state="removing", updated_at=now()))

    def pending(self, model: str, limit: int) -> Sequence[str]:
        """Give vectors that the index has not got as they are, samples first: people wait to be recognised."""
        return self._in_state("pending", model, limit)

    def removing(self, model: str, limit: int) -> Sequence[str]:
        """Give vectors that have to leave the index."""
        return self._in_state("removing", model, limit)

    def entries(self, vector_ids: Collection[str], *, lock: bool = False) -> dict[str, IndexEntry]:
        """Give what the index has to know of these, by id. What belongs to nothing any more is not among it."""
        found: dict[str, IndexEntry] = {}
        for batch in _batches(vector_ids):
            query = select(FaceVector).where(FaceVector.vector_id.in_(batch)).order_by(FaceVector.vector_id)
            rows = self._session.scalars(query.with_for_update() if lock else query).all()
            samples = self._by_id(FaceSample, FaceSample.sample_id, [one for one in rows if one.kind == "sample"])
            sightings = self._by_id(Sighting, Sighting.sighting_id, [one for one in rows if one.kind == "sighting"])
            for row in rows:
                if row.subject_id in samples:
                    found[row.vector_id] = _of_sample(row, samples[row.subject_id])
                elif row.subject_id in sightings:
                    found[row.vector_id] = _of_sighting(row, sightings[row.subject_id])
        return found

    def settle(self, sent: Mapping[str, IndexEntry]) -> int:
        """Mark what is in the index, unless it has changed since it was sent; say how many."""
        fresh = self.entries(sent, lock=True)
        same = [one for one, entry in sent.items() if one in fresh and _is_same(entry, fresh[one])]
        done = 0
        for batch in _batches(same):
            where = FaceVector.vector_id.in_(batch), FaceVector.index_state == "pending"
            done += self._change(update(FaceVector).where(*where).values(index_state="indexed", updated_at=now()))
        return done

    def discard(self, vector_ids: Collection[str]) -> int:
        """Have vectors that belong to nothing any more leave the index; say how many."""
        return sum(self._set_state(batch, "pending", "removing") for batch in _batches(vector_ids))

    def forget(self, vector_ids: Collection[str]) -> int:
        """Remove the rows of vectors that have left the index; those that were added again meanwhile stay."""
        done = 0
        for batch in _batches(vector_ids):
            where = FaceVector.vector_id.in_(batch), FaceVector.index_state == "removing"
            done += self._change(delete(FaceVector).where(*where))
        return done

    def ids(self, model: str, *states: str) -> Iterator[str]:
        """Give the vectors of a model in these states, or in any."""
        after = ""
        query = select(FaceVector.vector_id).where(FaceVector.model == model).order_by(FaceVector.vector_id)
        query = query.limit(_BATCH * 20)
        if states:
            query = query.where(FaceVector.index_state.in_(states))
        while page := self._session.scalars(query.where(FaceVector.vector_id > after)).all():
            yield from page
            after = page[-1]

    def put_in_again(self, vector_ids: Collection[str]) -> int:
        """Have the index told of vectors that it turned out not to have; say how many."""
        return sum(self._set_state(batch, "indexed", "pending") for batch in _batches(vector_ids))

    def put_all_in_again(self, model: str) -> int:
        """Have the index told of every vector of a model."""
        where = FaceVector.model == model, FaceVector.index_state == "indexed"
        return self._change(update(FaceVector).where(*where).values(index_state="pending", updated_at=now()))

    def take_all_out(self, model: str) -> int:
        """Have every vector of a model leave."""
        where = FaceVector.model == model
        return self._change(update(FaceVector).where(where).values(index_state="removing", updated_at=now()))

    def waiting(self, model: str) -> int:
        """Say how many vectors of a model the index has not got, or has still."""
        where = FaceVector.index_state.in_(("pending", "removing")), FaceVector.model == model
        return self._session.scalar(select(func.count()).where(*where)) or 0

    def counts(self, model: str) -> dict[str, int]:
        """Say how many vectors of a model are in each state."""
        query = select(FaceVector.index_state, func.count()).where(FaceVector.model == model)
        return {state: int(count) for state, count in self._session.execute(query.group_by(FaceVector.index_state))}

    def without(self, model: str, kind: VectorKind, after: str, limit: int) -> Sequence[Upright]:
        """Give stored faces that have no vector of a model, by id from `after` on."""
        query: Any = select(_ID[kind], FaceSample.aligned_key if kind == "sample" else Sighting.aligned_key)
        if kind == "sighting":
            query = query.where(Sighting.aligned_key.is_not(None), Sighting.decision != "unusable")
        made = exists().where(FaceVector.subject_id == _ID[kind], FaceVector.model == model)
        rows = self._session.execute(query.where(_ID[kind] > after, ~made).order_by(_ID[kind]).limit(limit))
        return [Upright(kind, subject_id, key) for subject_id, key in rows]

    def is_there(self, face: Upright) -> bool:
        """Tell whether a stored face is still there; locked, nobody removes it meanwhile."""
        table = FaceSample if face.kind == "sample" else Sighting
        return self._session.get(table, face.subject_id, with_for_update=True) is not None

    def models(self) -> Sequence[FaceModel]:
        """Give every model that has, had or will have vectors here."""
        return self._session.scalars(select(FaceModel).order_by(FaceModel.created_at, FaceModel.model)).all()

    def model(self, model: str, *, lock: bool = False) -> FaceModel | None:
        """Give a model."""
        return self._session.get(FaceModel, model, with_for_update=lock or None)

    def know(self, model: str, dimension: int) -> FaceModel:
        """Give a model, and make its row when it is new.

        Raises:
            Conflict: vectors of this name have another number of dimensions.
        """
        row = self.model(model, lock=True)
        if row is None:
            row = FaceModel(model=model, dimension=dimension, state="building", created_at=now())
            self._session.add(row)
            self._session.flush()
        if row.dimension != dimension:
            text = f"model {model}: expected vectors of {row.dimension} numbers as there are, got {dimension}"
            raise Conflict(f"{text}; another network needs another name", code="dimension")
        if row.state == "retired":
            row.state = "building"
        return row

    def complete(self, model: str) -> None:
        """Refuse to search while the index is known to have only a part of a model's vectors.

        Raises:
            Unavailable: it is being filled.
        """
        state = self._session.scalars(select(FaceModel.state).where(FaceModel.model == model)).first()
        if state not in (None, "serving"):
            raise Unavailable("face index", f"the vectors of {model} are being put in")

    def _in_state(self, state: str, model: str, limit: int) -> Sequence[str]:
        query = select(FaceVector.vector_id).where(FaceVector.index_state == state, FaceVector.model == model)
        samples = query.where(FaceVector.kind == "sample").limit(limit)
        found = list(self._session.scalars(samples))
        if len(found) < limit:
            found += self._session.scalars(query.where(FaceVector.kind == "sighting").limit(limit - len(found)))
        return found

    def _by_id(self, table: Any, column: Any, rows: Iterable[FaceVector]) -> dict[str, Any]:
        ids = [row.subject_id for row in rows]
        if not ids:
            return {}
        # what another transaction has committed meanwhile counts, not what this session has read before
        query = select(table).where(column.in_(ids)).execution_options(populate_existing=True)
        return {getattr(row, column.key): row for row in self._session.scalars(query)}

    def _set_state(self, vector_ids: Sequence[str], old: str, new: str) -> int:
        where = FaceVector.vector_id.in_(vector_ids), FaceVector.index_state == old
        return self._change(update(FaceVector).where(*where).values(index_state=new, updated_at=now()))

    def _change(self, statement: Any) -> int:
        # rows that the session holds are to be right afterwards too
        done = self._session.execute(statement.execution_options(synchronize_session="fetch"))
        return cast("CursorResult[Any]", done).rowcount


_ID: Final[Mapping[VectorKind, Any]] = {"sample": FaceSample.sample_id, "sighting": Sighting.sighting_id}


def _of_sample(row: FaceVector, sample: FaceSample) -> IndexEntry:
    return IndexEntry(
        vector_id=row.vector_id,
        vector=as_vector(row.vector),
        kind="sample",
        subject_id=row.subject_id,
        person_id=sample.person_id,
        camera_id="",
        seen_at_ms=0,
        mask_state=MaskState(sample.mask_state),
        covered=sample.covered,
    )


def _of_sighting(row: FaceVector, sighting: Sighting) -> IndexEntry:
    return IndexEntry(
        vector_id=row.vector_id,
        vector=as_vector(row.vector),
        kind="sighting",
        subject_id=row.subject_id,
        person_id=sighting.person_id or "",
        camera_id=source_of(sighting),
        seen_at_ms=unix_ms(sighting.seen_at),
        mask_state=MaskState(sighting.mask_state),
        covered=sighting.covered,
    )


def _is_same(one: IndexEntry, other: IndexEntry) -> bool:
    return np.array_equal(one.vector, other.vector) and _facts(one) == _facts(other)


def _facts(entry: IndexEntry) -> tuple[object, ...]:
    return entry.person_id, entry.camera_id, entry.seen_at_ms, entry.mask_state, entry.covered


def _batches(ids: Collection[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), _BATCH):
        yield ordered[start : start + _BATCH]
