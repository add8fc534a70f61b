"""The figures that the law asks for: how many people are enrolled, on what basis, and whose consent ends soon.

The Chinese measures on face recognition of 2025 want a report to the authority from 100,000 people on; whose faces are
only seen, not enrolled, may count too, so their number stands beside it. A lawyer decides what counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from face_search.adapters.store import Store
from shared_kernel.clock import now
from shared_kernel.tables import Person

#: Consents that end within this time are listed.
SOON: Final = timedelta(days=30)
_LISTED: Final = 200


@dataclass(frozen=True)
class OnList:
    """How many are on a list."""

    list_id: str
    name: str
    persons: int


@dataclass(frozen=True)
class Report:
    """The figures.

    Attributes:
        enrolled: persons with a name here; of two who turned out to be one, one.
        by_basis: the same, by the legal basis.
        without_end: persons without a day on which they are erased by themselves.
        by_list: who is on several is counted on each.
        ending: those whose basis ends soon, the first to end first; 200 at most.
        sightings: faces that were seen and are kept; `nameless` of them belong to nobody who is enrolled.
        oldest_seen_at: when the oldest of them was seen.
        erased: persons and photos that were erased since the beginning; `erasing` are on the way.
    """

    at: datetime
    enrolled: int
    by_basis: dict[str, int]
    without_end: int
    by_list: tuple[OnList, ...]
    ending: Sequence[Person]
    sightings: int
    nameless: int
    oldest_seen_at: datetime | None
    erased: int
    erasing: int


def report(store: Store) -> Report:
    """The figures of this moment."""
    moment = now()
    sightings, nameless, oldest = store.figures.sightings()
    erased, erasing = store.figures.erasures()
    by_basis = {"consent": 0, "contract": 0, "duty": 0, "safety": 0, **store.figures.by_basis()}
    return Report(
        at=moment,
        enrolled=sum(by_basis.values()),
        by_basis=by_basis,
        without_end=store.figures.without_end(),
        by_list=tuple(OnList(*one) for one in store.figures.by_list()),
        ending=store.figures.ending(moment + SOON, _LISTED),
        sightings=sightings,
        nameless=nameless,
        oldest_seen_at=oldest,
        erased=erased,
        erasing=erasing,
    )
