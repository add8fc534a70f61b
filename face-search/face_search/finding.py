"""Everything that shows one face: for erasing by photo, and for what was seen of a person before they were enrolled.

Unlike a search for a user this looks at every camera, and takes only what reaches the threshold. A sighting that has
another person's name is left to that person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from face_search.adapters.likeness import Viewer
from face_search.adapters.store import Store
from face_search.comparing import Limits
from face_search.ports import VectorIndex
from face_search.searching import PICTURES, Probe, Searcher, Wanted
from shared_kernel.clock import now
from shared_kernel.database import Database
from shared_kernel.errors import Invalid

#: Sightings of one find at most; what is further waits for the next one.
MAX_SIGHTINGS: Final = 5_000
_PERSONS: Final = 10
_PAGE: Final = 100
_EVERYTHING: Final = Viewer("", None)


@dataclass(frozen=True, slots=True)
class Likely:
    """Somebody who is enrolled and looks like the face."""

    person_id: str
    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What shows a face.

    Attributes:
        persons: who it is; with a near tie all who are about as alike.
        sighting_ids: faces of nobody who is enrolled.
        near_tie: a human has to say which of the persons it is.
        more: there are further sightings.
    """

    persons: tuple[Likely, ...]
    sighting_ids: tuple[str, ...]
    near_tie: bool
    more: bool

    @property
    def person_ids(self) -> tuple[str, ...]:
        return tuple(one.person_id for one in self.persons)


class Finder:
    """Finds in the index what SQL has. Thread safe.

    Raises (every method):
        Unavailable: the index or the database is away.
    """

    def __init__(self, database: Database[Store], index: VectorIndex, limits: Limits, model: str) -> None:
        self._database = database
        self._index = index
        self._limits = limits
        self._model = model

    def face(self, probe: Probe, person_ids: Collection[str] = ()) -> Found:
        """Everything that shows a face.

        Args:
            probe: the face.
            person_ids: who it is, said by a human; out of those who are alike.

        Raises:
            Invalid: a person was named who does not look like that.
        """
        with self._database.read() as store:
            answer = self._searcher(store).search(probe, Wanted("persons", _PERSONS))
            known = store.likeness.known([one.ranked.subject_id for one in answer.candidates])
        likely = [
            (Likely(one.ranked.subject_id, known[one.ranked.subject_id].name, one.ranked.score), one.near_tie)
            for one in answer.candidates
            if one.accepted and one.ranked.subject_id in known
        ]
        tied = [one for one, is_tied in likely if is_tied]
        if person_ids:
            chosen = [one for one, _ in likely if one.person_id in person_ids]
            if len(chosen) != len(set(person_ids)):
                raise Invalid.field("person_ids", "expected persons who look like the face of the photo")
        else:
            chosen = tied or [one for one, _ in likely[:1]]
        sightings = self._nameless(probe)
        ids = tuple(one for _, one in zip(range(MAX_SIGHTINGS), sightings, strict=False))
        more = len(ids) == MAX_SIGHTINGS
        return Found(tuple(chosen), ids, bool(tied) and not person_ids, more)

    def alike(self, person_ids: Sequence[str]) -> Iterable[str]:
        """Sightings of nobody who is enrolled that show one of these persons, who are one human."""
        with self._database.read() as store:
            pictures = [one for each in person_ids for one in store.likeness.of_person(each, self._model, PICTURES)]
        return self._nameless(Probe.of(pictures)) if pictures else ()

    def _nameless(self, probe: Probe) -> Iterator[str]:
        """Sightings without a person that reach the threshold, the most alike first."""
        after = None
        while True:
            with self._database.read() as store:
                answer = self._searcher(store).search(probe, Wanted("sightings", _PAGE, after=after))
                rows = store.traces.sightings([one.ranked.subject_id for one in answer.candidates])
                named = {row.sighting_id for row in rows if row.person_id is not None}
            accepted = [one.ranked for one in answer.candidates if one.accepted]
            yield from (one.subject_id for one in accepted if one.subject_id not in named)
            if not answer.more or len(accepted) < len(answer.candidates):
                return
            after = (accepted[-1].score, accepted[-1].subject_id)

    def _searcher(self, store: Store) -> Searcher:
        return Searcher(store, self._index, self._limits, self._model, _EVERYTHING, now())
