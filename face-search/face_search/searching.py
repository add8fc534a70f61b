"""Who is that, and where else: one face against the samples of everybody who is enrolled, or against what was seen.

`ranking` orders by likeness, `comparing.Limits` says what is enough, `adapters.likeness` what is true and may be shown.
The routes that speak of it are in `web.searches`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from face_search.adapters.likeness import Likeness, Picture, Viewer
from face_search.adapters.store import Store
from face_search.comparing import Limits
from face_search.ports import IndexFilter, VectorIndex
from face_search.ranking import Look, Ranked, nearest_persons, nearest_sightings
from shared_kernel.clock import unix_ms
from shared_kernel.messages import MaskState

Of = Literal["persons", "sightings"]
Verdict = Literal["match", "near_tie", "unknown"]

#: Who is less alike than this much below the threshold is not shown: it would tell of strangers, not of the face.
SHOWN_BELOW: Final = 0.15
#: Pictures of a person that are looked for at once, the best ones.
PICTURES: Final = 16
#: Persons of one filter of the index.
FILTER_PERSONS: Final = 5_000
#: What a threshold knows of the size of a gallery; beyond it is only a little stricter.
MAX_COUNTED: Final = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """The face that is looked for.

    Attributes:
        vectors: N x D float32 of length 1: pictures of one face.
        covered: mouth or nose cannot be seen, on one of the pictures that count.
        person_id: who it is known to be; that person is not part of the answer.
        sighting_id: where it was taken from; that sighting is not part of the answer.
    """

    vectors: NDArray[np.float32]
    covered: bool
    person_id: str | None = None
    sighting_id: str | None = None

    @classmethod
    def of(cls, pictures: Sequence[Picture], *, person_id: str | None = None, sighting_id: str | None = None) -> Probe:
        """Make one of stored pictures; at least one."""
        covered = all(one.covered for one in pictures)
        # beside an open face a covered one of the same person says nothing more
        used = [one for one in pictures if one.covered == covered]
        return cls(np.stack([one.vector for one in used]), covered, person_id, sighting_id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search asks. None: whichever.

    Attributes:
        of: samples of persons, or sightings.
        top_k: how many at most.
        threshold: cosine that counts as the same face; None: as the size of the gallery asks.
        since: sightings from then on.
        until: sightings before that.
        camera_ids: sightings of these cameras.
        list_ids: persons on one of these lists, sightings of such persons.
        mask_states: what the face wears.
        after: (score, id) of the last sighting of the page before.
    """

    of: Of
    top_k: int
    threshold: float | None = None
    since: datetime | None = None
    until: datetime | None = None
    camera_ids: frozenset[str] | None = None
    list_ids: frozenset[str] | None = None
    mask_states: frozenset[MaskState] | None = None
    after: tuple[float, str] | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One line of an answer.

    Attributes:
        ranked: who or what, and how alike.
        accepted: it reaches the threshold, and no human has said otherwise of such a face.
        near_tie: another person is about as alike; a human has to decide.
        contradicted: the face is more like one that is said not to be this person than like the person.
    """

    ranked: Ranked
    accepted: bool
    near_tie: bool = False
    contradicted: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The answer: `unknown` is one. `more`: the next page may have further sightings."""

    verdict: Verdict
    threshold: float
    compared: int
    candidates: tuple[Candidate, ...]
    more: bool = False


@dataclass(frozen=True)
class Searcher:
    """Searches in one transaction. `moment`: now, for consent that ends."""

    store: Store
    index: VectorIndex
    thresholds: Limits
    model: str
    viewer: Viewer
    moment: datetime

    def search(self, probe: Probe, wanted: Wanted) -> Found:
        """Give who is like the face, best first.

        Raises:
            Unavailable: the index or the database is away, or the index is being filled.
        """
        self.store.vectors.complete(self.model)
        return self._persons(probe, wanted) if wanted.of == "persons" else self._sightings(probe, wanted)

    @property
    def _likeness(self) -> Likeness:
        return self.store.likeness

    def _persons(self, probe: Probe, wanted: Wanted) -> Found:
        chosen = None if wanted.list_ids is None else self._likeness.on_lists(wanted.list_ids)
        compared = self._likeness.enrolled(MAX_COUNTED) if chosen is None else len(chosen)
        threshold = self._threshold(wanted, compared, probe)
        look = Look(self.model, probe.vectors, _filters(IndexFilter("sample", mask_states=wanted.mask_states), chosen))
        itself = 0 if probe.person_id is None else 1
        # two at least: whether there is a near tie does not depend on how many are shown
        count = max(2, wanted.top_k) + itself
        ranked = nearest_persons(self.index, look, count, lambda ids: self._owners(ids, chosen))
        ranked = [one for one in ranked if one.subject_id != probe.person_id and one.score >= threshold - SHOWN_BELOW]
        judged = self._judged(ranked, probe, threshold)
        verdict: Verdict = "unknown"
        if any(one.accepted for one in judged):
            verdict = "near_tie" if any(one.near_tie for one in judged) else "match"
        return Found(verdict, threshold, compared, tuple(judged[: wanted.top_k]))

    def _sightings(self, probe: Probe, wanted: Wanted) -> Found:
        sources = _both(self.viewer.sources, wanted.camera_ids)
        chosen = None if wanted.list_ids is None else self._likeness.on_lists(wanted.list_ids)
        only = IndexFilter(
            "sighting",
            camera_ids=sources,
            from_ms=None if wanted.since is None else unix_ms(wanted.since),
            to_ms=None if wanted.until is None else unix_ms(wanted.until),
            mask_states=wanted.mask_states,
        )
        compared = self._likeness.seen(self.viewer, MAX_COUNTED, wanted.since, wanted.until, wanted.camera_ids)
        threshold = self._threshold(wanted, compared, probe)
        look = Look(self.model, probe.vectors, _filters(only, chosen))
        itself = 0 if probe.sighting_id is None else 1
        count = wanted.top_k + itself + 1
        ranked = nearest_sightings(self.index, look, count, lambda ids: self._shown(ids, wanted, chosen), wanted.after)
        ranked = [one for one in ranked if one.subject_id != probe.sighting_id and one.score >= threshold - SHOWN_BELOW]
        candidates = tuple(Candidate(one, accepted=one.score >= threshold) for one in ranked[: wanted.top_k])
        verdict: Verdict = "match" if any(one.accepted for one in candidates) else "unknown"
        return Found(verdict, threshold, compared, candidates, more=len(ranked) > wanted.top_k)

    def _threshold(self, wanted: Wanted, compared: int, probe: Probe) -> float:
        if wanted.threshold is not None:
            return wanted.threshold
        return self.thresholds.required(max(1, compared), covered=probe.covered)

    def _owners(self, sample_ids: Collection[str], chosen: frozenset[str] | None) -> dict[str, str]:
        found = self._likeness.owners(sample_ids, self.moment)
        return found if chosen is None else {one: owner for one, owner in found.items() if owner in chosen}

    def _shown(self, sighting_ids: Collection[str], wanted: Wanted, chosen: frozenset[str] | None) -> set[str]:
        found = self._likeness.visible(sighting_ids, self.viewer, wanted.camera_ids)
        return {one for one, person_id in found.items() if chosen is None or person_id in chosen}

    def _judged(self, ranked: Sequence[Ranked], probe: Probe, threshold: float) -> list[Candidate]:
        """Say who is accepted. A near tie is between persons whom nothing contradicts."""
        against = self._likeness.negatives([one.subject_id for one in ranked], self.model)
        judged = []
        for one in ranked:
            faces = against.get(one.subject_id)
            contradicted = faces is not None and float((probe.vectors @ faces.T).max()) > one.score
            judged.append(Candidate(one, not contradicted and one.score >= threshold, contradicted=contradicted))
        likely = [one for one in judged if not one.contradicted]
        if len(likely) < 2 or not likely[0].accepted:  # noqa: PLR2004 - a tie takes two
            return judged
        limit = likely[0].ranked.score - self.thresholds.margin
        tied = [one for one in likely if one.ranked.score > limit]
        if len(tied) < 2:  # noqa: PLR2004
            return judged
        return [replace(one, near_tie=one in tied) for one in judged]


def _filters(only: IndexFilter, person_ids: frozenset[str] | None) -> tuple[IndexFilter, ...]:
    if person_ids is None:
        return (only,)
    ordered = sorted(person_ids)
    parts = [frozenset(ordered[at : at + FILTER_PERSONS]) for at in range(0, len(ordered), FILTER_PERSONS)]
    return tuple(replace(only, person_ids=part) for part in parts or [frozenset()])


def _both(allowed: frozenset[str] | None, asked: frozenset[str] | None) -> frozenset[str] | None:
    if allowed is None or asked is None:
        return asked if allowed is None else allowed
    return allowed & asked
