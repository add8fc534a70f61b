"""Where a person, or an unknown face, has been: rows of sightings become a trajectory. Routes: `web.trajectories`.

What the viewer may not see is not asked for, so that no leg, gap or count tells of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from face_search.adapters.likeness import Viewer
from face_search.adapters.store import Store
from face_search.searching import Probe, Searcher, Wanted
from face_search.trajectory import Pace, Seen, Trajectory, trajectory
from shared_kernel.errors import Conflict, NotFound
from shared_kernel.messages import Decision
from shared_kernel.tables import Person, Sighting

#: Sightings of one trajectory at most; the newest are taken.
MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time: from `since` on, before `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Movements:
    """The way of somebody.

    Attributes:
        track: the line, its legs, and what is not on it.
        rows: the sightings, oldest first.
        person: whose way it is; None: of an unknown face.
        whole: false when there are more sightings than are joined at once.
    """

    track: Trajectory
    rows: Sequence[Sighting]
    person: Person | None
    whole: bool


def of_person(store: Store, person_id: str, viewer: Viewer, period: Period, pace: Pace) -> Movements:
    """Join what was recognised as a person; what a human rejected is listed, not joined.

    Raises:
        NotFound: there is no such person.
    """
    person = store.tracks.person(person_id)
    if person is None:
        raise NotFound(f"person {person_id}: expected one who is enrolled, found none", code="no_person")
    rows = store.tracks.of_person(person_id, viewer, period.since, period.until, MOST + 1)
    whole, rows = len(rows) <= MOST, rows[:MOST]
    rejected = store.tracks.rejected(person_id, [row.sighting_id for row in rows])
    places = _Places(store, rows)
    seen = [places.seen(row, rejected=row.sighting_id in rejected) for row in rows]
    return Movements(trajectory(seen, pace), rows[::-1], person, whole)


def of_face(searcher: Searcher, sighting_id: str, period: Period, pace: Pace) -> Movements:
    """Join what is like the face of a sighting and has no name yet; the given one always belongs to it.

    Raises:
        NotFound: no such sighting, or none for this viewer: one cannot tell which.
        Conflict: its face cannot be compared.
        Unavailable: the index is away.
    """
    store, viewer = searcher.store, searcher.viewer
    origin = store.tracks.one(sighting_id, viewer)
    if origin is None:
        raise NotFound(f"sighting {sighting_id}: expected one that you may see, found none", code="no_sighting")
    picture = store.likeness.of_sighting(sighting_id, searcher.model)
    if picture is None:
        raise Conflict(f"sighting {sighting_id}: expected a face that can be compared, got none", code="no_vector")
    probe = Probe.of([picture], sighting_id=sighting_id)
    wanted = Wanted("sightings", MOST, since=period.since, until=period.until)
    found = searcher.search(probe, wanted)
    scores = {one.ranked.subject_id: one.ranked.score for one in found.candidates if one.accepted}
    rows = store.tracks.several(scores, viewer)
    unnamed = {one: row for one, row in rows.items() if row.person_id is None or row.person_id == origin.person_id}
    unnamed[sighting_id] = origin
    ordered = sorted(unnamed.values(), key=lambda row: (row.seen_at, row.sighting_id))
    places = _Places(store, ordered)
    seen = [places.like(row, scores.get(row.sighting_id), found.threshold) for row in ordered]
    return Movements(trajectory(seen, pace), ordered, None, not found.more)


class _Places:
    """Makes sightings of rows: where they were then, or else where their camera stands today."""

    def __init__(self, store: Store, rows: Sequence[Sighting]) -> None:
        missing = {row.camera_id for row in rows if row.camera_id is not None and row.lon is None}
        self._today: Mapping[str, tuple[float | None, float | None]] = {
            one: (place.lon, place.lat) for one, place in store.places.of(missing).items()
        }

    def seen(self, row: Sighting, *, rejected: bool) -> Seen:
        lon, lat = self._place(row)
        decision = cast("Decision", "rejected" if rejected else row.decision)
        return Seen(row.sighting_id, row.seen_at, lon, lat, decision, row.score, row.threshold)

    def like(self, row: Sighting, score: float | None, threshold: float) -> Seen:
        """By likeness to a face; the given one, which has no score, is as sure as can be."""
        lon, lat = self._place(row)
        return Seen(
            row.sighting_id, row.seen_at, lon, lat, "confirmed" if score is None else "unknown", score, threshold
        )

    def _place(self, row: Sighting) -> tuple[float | None, float | None]:
        if row.lon is not None and row.lat is not None:
            return float(row.lon), float(row.lat)
        return self._today.get(row.camera_id or "", (None, None))
