"""Whose face is this already: who is enrolled and so like a new picture that it may be theirs. Asked by `enrol`.

The index knows what it was told; what waits to be told is compared beside it. While the index is away everything is
compared in SQL, as long as that is a matter of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from face_search.adapters.store import Store
from face_search.comparing import Limits
from face_search.ports import FaceRead, IndexFilter, VectorIndex
from face_search.searching import MAX_COUNTED, PICTURES
from shared_kernel.errors import Unavailable

#: Samples that are compared one by one while the index is away; beyond that enrolling waits for it.
EXACT_SAMPLES: Final = 50_000
#: Entries that the index is asked for: the samples of a few persons.
_TOP: Final = 32


@dataclass(frozen=True, slots=True)
class Resemblance:
    """Somebody else who is enrolled, how alike the face is, and what was enough: cosines."""

    person_id: str
    score: float
    threshold: float


@dataclass(frozen=True)
class Others:
    """Finds who else a face may belong to. Thread safe."""

    index: VectorIndex
    thresholds: Limits
    model: str

    def than(self, store: Store, person_id: str, face: FaceRead, moment: datetime) -> list[Resemblance]:
        """Give those who reach the threshold and are more like the face than this person is, the likest first.

        Raises:
            Unavailable: the index is away and the gallery too large to do without.
        """
        scores = self._scores(store, face, moment)
        own = max(scores.pop(person_id, -1.0), self._own(store, person_id, face))
        threshold = self.thresholds.required(max(1, store.likeness.enrolled(MAX_COUNTED)), covered=face.covered)
        found = [Resemblance(one, score, threshold) for one, score in scores.items() if score >= max(threshold, own)]
        return sorted(found, key=lambda one: (-one.score, one.person_id))

    def is_unlike(self, store: Store, person_id: str, face: FaceRead) -> bool:
        """Tell whether a face is surely not this person's: less like every sample than strangers may well be."""
        own = self._own(store, person_id, face)
        return own > -1 and own < self.thresholds.required(1, covered=face.covered) - self.thresholds.margin

    def _own(self, store: Store, person_id: str, face: FaceRead) -> float:
        pictures = store.likeness.of_person(person_id, self.model, PICTURES)
        return max((float(one.vector @ face.vector) for one in pictures), default=-1.0)

    def _scores(self, store: Store, face: FaceRead, moment: datetime) -> dict[str, float]:
        """The best cosine of each person who is near."""
        near = self._samples(store, face)
        owners = store.likeness.owners(list(near), moment)
        scores: dict[str, float] = {}
        for sample_id, owner in owners.items():
            scores[owner] = max(scores.get(owner, -1.0), near[sample_id])
        return scores

    def _samples(self, store: Store, face: FaceRead) -> dict[str, float]:
        try:
            [hits] = self.index.search(self.model, face.vector[np.newaxis], _TOP, IndexFilter("sample"))
        except Unavailable:
            if store.samples.count() > EXACT_SAMPLES:
                raise
            return {one: float(vector @ face.vector) for one, vector in store.samples.vectors(self.model)}
        pending = store.samples.vectors(self.model, pending=True)
        return {hit.subject_id: hit.score for hit in hits} | {one: float(vec @ face.vector) for one, vec in pending}
