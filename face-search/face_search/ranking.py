"""The nearest persons and sightings to a face, best first, each once. Used by `searching`.

The index knows single vectors. A person has several samples, so that more of them are asked for until there are enough
different persons; and what the index says is held against SQL, the truth, before anybody sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_search.ports import IndexFilter, VectorIndex

#: Entries that an index is asked for at once, at most: what Milvus allows.
MAX_HITS: Final = 16_384
#: Entries that are asked for first, for each that is wanted.
_SAMPLES_A_PERSON: Final = 4
_FIRST_HITS: Final = 32
#: Scores that differ less than this are the same: sums of floats depend on how many are made at once.
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Ranked:
    """Somebody or something that is near.

    Attributes:
        subject_id: the person, or the sighting.
        score: greatest cosine to what was looked for, -1..1, six digits.
        by: the sample by which a person was found; of a sighting itself.
    """

    subject_id: str
    score: float
    by: str

    @property
    def place(self) -> tuple[float, str]:
        """Where it stands in a ranking: smaller is earlier."""
        return -self.score, self.subject_id


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What is asked of the index.

    Attributes:
        model: whose vectors.
        vectors: N x D float32 of length 1, pictures of one face: whoever is near one of them is near.
        only: where to look; several are looked at one after the other, as one.
    """

    model: str
    vectors: NDArray[np.float32]
    only: tuple[IndexFilter, ...]


def nearest_persons(
    index: VectorIndex, look: Look, count: int, owners: Callable[[Collection[str]], Mapping[str, str]]
) -> list[Ranked]:
    """Give at most `count` persons, the nearest first.

    Args:
        index: is asked for samples.
        look: what is asked.
        count: of persons.
        owners: whose these samples are; samples that are nobody's any more are left out.

    Raises:
        Unavailable: the index is away.
    """
    for known in _more_and_more(index, look, count * _SAMPLES_A_PERSON):
        found, best = owners(list(known.scores)), dict[str, Ranked]()
        for sample_id, score in known.scores.items():
            person_id = found.get(sample_id)
            if person_id is not None and (person_id not in best or score > best[person_id].score):
                best[person_id] = Ranked(person_id, score, sample_id)
        settled = [one for one in best.values() if known.holds(one.score)]
        if len(settled) >= count or known.last:
            return sorted(settled, key=lambda one: one.place)[:count]
    raise AssertionError("unreachable")


def nearest_sightings(
    index: VectorIndex,
    look: Look,
    count: int,
    shown: Callable[[Collection[str]], Collection[str]],
    after: tuple[float, str] | None = None,
) -> list[Ranked]:
    """Give at most `count` sightings, the nearest first.

    Args:
        index: is asked for sightings.
        look: what is asked.
        count: of sightings.
        shown: which of these ids may be shown; the index may be behind.
        after: (score, id) of the last of the page before.

    Raises:
        Unavailable: the index is away.
    """
    begin = None if after is None else (-after[0], after[1])
    for known in _more_and_more(index, look, count):
        settled = [Ranked(one, score, one) for one, score in known.scores.items() if known.holds(score)]
        further = [one for one in settled if begin is None or one.place > begin]
        allowed = shown([one.subject_id for one in further])
        left = [one for one in further if one.subject_id in allowed]
        if len(left) >= count or known.last:
            return sorted(left, key=lambda one: one.place)[:count]
    raise AssertionError("unreachable")


@dataclass(frozen=True, slots=True)
class _Known:
    """The best cosine of every entry that was found.

    Attributes:
        scores: by sample or sighting.
        complete_above: every entry with more than this is among them, with no smaller score than its own. Others may
            be missing, or be far down in the list of one picture of a face and higher in that of another.
        last: asking for more gives no more.
    """

    scores: Mapping[str, float]
    complete_above: float
    last: bool

    def holds(self, score: float) -> bool:
        """Tell whether a place in the ranking with this score is certain."""
        return self.last or score > self.complete_above


def _more_and_more(index: VectorIndex, look: Look, first: int) -> Iterator[_Known]:
    """Give the nearest entries, more of them each time, until there are no more."""
    asked = min(MAX_HITS, max(_FIRST_HITS, first))
    while True:
        scores: dict[str, float] = {}
        complete_above = -2.0
        for only in look.only:
            for hits in index.search(look.model, look.vectors, asked, only):
                for hit in hits:
                    scores[hit.subject_id] = max(_rounded(hit.score), scores.get(hit.subject_id, -1.0))
                if len(hits) >= asked:
                    complete_above = max(complete_above, _rounded(hits[-1].score))
        yield _Known(scores, complete_above, complete_above < -1.0 or asked >= MAX_HITS)
        asked = min(MAX_HITS, asked * 4)


def _rounded(score: float) -> float:
    return round(min(1.0, max(-1.0, score)), _DIGITS)
