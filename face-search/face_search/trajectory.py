"""Where somebody has been: ordered sightings become legs, each with its evidence and its doubt. Pure; no I/O.

`movements` asks the database and gives the sightings; `geojson` writes the outcome for maps.

A single wrong recognition on the other side of the town must not tear a track apart, nor may it be hidden. So the
line is drawn through those sightings that one body can have made and that have the greatest weight together; whatever
contradicts them is left out of the line and listed with the leg that would have been impossible.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from face_search.geodesy import Many, distances_m
from shared_kernel.messages import Decision

#: A score this far above what it had to reach is as sure as a machine can be; cosine.
SURE_ABOVE: Final = 0.2
#: Weight of a face that a human confirmed.
CONFIRMED: Final = 1.0
#: Weight of a face that the machine recognised: just reaching the threshold, and surely.
BARELY: Final = 0.4
SURELY: Final = 0.9
#: Weight of a face that two persons resemble nearly alike.
NEAR_TIE: Final = 0.25
#: A leg between lighter sightings than this is doubtful.
WEAK: Final = 0.5
#: Whatever would cost less weight than this to believe instead is no clear error.
DISPUTED: Final = 0.5
#: How far from its camera, or from what a phone says, a face may have been, metres.
REACH_M: Final = 15.0
#: How much the clocks of two cameras may differ, seconds.
CLOCK_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How quick somebody can be.

    Attributes:
        plausible_m_s: faster than this is doubtful.
        possible_m_s: faster than this is impossible.
        joined_within_s: after more time than this a straight line says little about the way.
    """

    plausible_m_s: float
    possible_m_s: float
    joined_within_s: float = 1800.0


#: Brisk walking, 9 km/h; nobody has ever run faster on average than 10.44 m/s (100 m in 9.58 s).
ON_FOOT: Final = Pace(plausible_m_s=2.5, possible_m_s=10.5)
#: Town traffic, 50 km/h; a car on an empty motorway, 180 km/h.
BY_VEHICLE: Final = Pace(plausible_m_s=14.0, possible_m_s=50.0)


class Doubt(enum.StrEnum):
    """Why a leg is not certain, or a sighting not on the line."""

    TOO_FAST = "too_fast"
    NEAR_TIE = "near_tie"
    WEAK_SCORE = "weak_score"
    LONG_GAP = "long_gap"
    IMPOSSIBLE = "impossible"
    REJECTED = "rejected"
    NO_PLACE = "no_place"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Seen:
    """A face that was seen, as far as movements need to know.

    Attributes:
        sighting_id: which sighting.
        seen_at: when.
        lon: degrees east on WGS-84; None: nobody knows where.
        lat: degrees north.
        decision: what was decided about it; `rejected`: a human said that it is somebody else.
        score: cosine to the person, or to the unknown face whose way this is.
        threshold: what the score had to reach.
    """

    sighting_id: str
    seen_at: datetime
    lon: float | None
    lat: float | None
    decision: Decision
    score: float | None = None
    threshold: float | None = None

    @property
    def weight(self) -> float:
        """How much it counts as evidence that the person was there, 0..1."""
        if self.decision == "confirmed":
            return CONFIRMED
        if self.decision == "near_tie":
            return NEAR_TIE
        if self.decision in ("rejected", "unusable"):
            return 0.0
        if self.score is None or self.threshold is None:
            return BARELY
        sure = min(1.0, max(0.0, (self.score - self.threshold) / SURE_ABOVE))
        return BARELY + (SURELY - BARELY) * sure


@dataclass(frozen=True, slots=True)
class Leg:
    """The way between two sightings.

    Attributes:
        start: the earlier sighting.
        end: the later one.
        distance_m: straight, between the two places.
        seconds: between the two times.
        least_speed_m_s: what it took at least, allowing for clocks that differ and faces away from their camera.
        verdict: `doubtful` legs are drawn dotted, `impossible` ones not at all.
        doubts: why, most serious first; none when it is plausible.
        weight: of its weaker end, 0..1.
    """

    start: Seen
    end: Seen
    distance_m: float
    seconds: float
    least_speed_m_s: float
    verdict: Literal["plausible", "doubtful", "impossible"]
    doubts: tuple[Doubt, ...]
    weight: float

    @property
    def speed_m_s(self) -> float | None:
        """Distance by time; None when no time passed."""
        return self.distance_m / self.seconds if self.seconds > 0 else None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A sighting that is not on the line.

    Attributes:
        seen: which.
        why: impossible, rejected, no_place or unusable.
        leg: to or from the line, for an impossible one: what contradicts it most.
        disputed: the line through this sighting instead would be nearly as well supported.
    """

    seen: Seen
    why: Doubt
    leg: Leg | None = None
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A line through sightings in the order of time, and what is not on it."""

    line: tuple[Seen, ...]
    legs: tuple[Leg, ...]
    left_out: tuple[LeftOut, ...]


def trajectory(sightings: Sequence[Seen], pace: Pace = ON_FOOT) -> Trajectory:
    """Join sightings of one face, in any order, into a line that one body can have gone."""
    ordered = sorted(sightings, key=lambda one: (one.seen_at, one.sighting_id))
    placed = [one for one in ordered if _why_not(one) is None]
    outside = [LeftOut(one, why) for one in ordered if (why := _why_not(one)) is not None]
    if placed:
        chain = _Chains(placed, pace)
        on_line = set(chain.heaviest)
        line = tuple(placed[i] for i in chain.heaviest)
        outside += [_contradiction(chain, i) for i in range(len(placed)) if i not in on_line]
    else:
        line = ()
    legs = tuple(leg(one, other, pace) for one, other in itertools.pairwise(line))
    outside.sort(key=lambda one: (one.seen.seen_at, one.seen.sighting_id))
    return Trajectory(line, legs, tuple(outside))


def leg(start: Seen, end: Seen, pace: Pace = ON_FOOT) -> Leg:
    """Judge the way between two sightings whose places are known.

    Raises:
        ValueError: a place is not known, or the second was seen earlier.
    """
    if start.lon is None or start.lat is None or end.lon is None or end.lat is None:
        raise ValueError(f"leg {start.sighting_id} to {end.sighting_id}: expected two places, got fewer")
    seconds = (end.seen_at - start.seen_at).total_seconds()
    if seconds < 0:
        raise ValueError(f"leg {start.sighting_id} to {end.sighting_id}: expected a later end, got {seconds:g} s")
    metres = float(distances_m(start.lon, start.lat, np.array([end.lon]), np.array([end.lat]))[0])
    least = float(_least_speeds(np.array([metres]), np.array([seconds]))[0])
    weight = min(start.weight, end.weight)
    if least > pace.possible_m_s:
        return Leg(start, end, metres, seconds, least, "impossible", (Doubt.IMPOSSIBLE,), weight)
    doubts = []
    if least > pace.plausible_m_s:
        doubts.append(Doubt.TOO_FAST)
    if "near_tie" in (start.decision, end.decision):
        doubts.append(Doubt.NEAR_TIE)
    if any(one.weight < WEAK and one.decision != "near_tie" for one in (start, end)):
        doubts.append(Doubt.WEAK_SCORE)
    if seconds > pace.joined_within_s:
        doubts.append(Doubt.LONG_GAP)
    return Leg(start, end, metres, seconds, least, "doubtful" if doubts else "plausible", tuple(doubts), weight)


def _why_not(one: Seen) -> Doubt | None:
    if one.decision == "rejected":
        return Doubt.REJECTED
    if one.decision == "unusable":
        return Doubt.UNUSABLE
    return Doubt.NO_PLACE if one.lon is None or one.lat is None else None


def _least_speeds(metres: Many, seconds: Many) -> Many:
    """Metres per second that a way took at least, N float64."""
    return np.asarray(np.maximum(0.0, metres - 2 * REACH_M) / (seconds + CLOCK_S))


class _Chains:
    """Every chain of sightings in which each step is possible, by its weight.

    `before[i]` is the weight of the heaviest chain that ends at sighting i, `after[i]` of the heaviest that begins
    there, so that the two tell what the heaviest one through i weighs.
    """

    def __init__(self, placed: Sequence[Seen], pace: Pace) -> None:
        self.placed, self.pace = placed, pace
        self._lons = np.array([one.lon for one in placed], dtype=np.float64)
        self._lats = np.array([one.lat for one in placed], dtype=np.float64)
        origin = placed[0].seen_at
        self._at_s = np.array([(one.seen_at - origin).total_seconds() for one in placed])
        weights = np.array([one.weight for one in placed])
        count = len(placed)
        self.before, came_from = weights.copy(), np.full(count, -1)
        self.after = weights.copy()
        possible = [self._possible_before(i) for i in range(count)]
        for i in range(count):
            best = np.where(possible[i], self.before[:i], -1.0)
            if i and best.max() >= 0:
                # of equals the latest: the line has no needless gaps
                came_from[i] = i - 1 - int(np.argmax(best[::-1]))
                self.before[i] += best[came_from[i]]
        for i in range(count - 1, 0, -1):
            steps = self.after[i] + weights[:i]
            self.after[:i] = np.where(possible[i], np.maximum(self.after[:i], steps), self.after[:i])
        self._through = self.before + self.after - weights
        self.heaviest = self._walk_back(came_from)

    def cost(self, i: int) -> float:
        """Give the weight that is lost when sighting `i` is believed instead of what contradicts it."""
        return float(self._through.max() - self._through[i])

    def _possible_before(self, i: int) -> NDArray[np.bool_]:
        metres = distances_m(self._lons[i], self._lats[i], self._lons[:i], self._lats[:i])
        return np.asarray(_least_speeds(metres, self._at_s[i] - self._at_s[:i]) <= self.pace.possible_m_s)

    def _walk_back(self, came_from: NDArray[np.int_]) -> list[int]:
        step, chain = int(np.argmax(self.before)), []
        while step >= 0:
            chain.append(step)
            step = int(came_from[step])
        return chain[::-1]


def _contradiction(chain: _Chains, i: int) -> LeftOut:
    """Say what on the line makes sighting `i` impossible: the neighbour on it that would take the greater speed."""
    earlier = [j for j in chain.heaviest if j < i][-1:]
    later = [j for j in chain.heaviest if j > i][:1]
    legs = [leg(chain.placed[j], chain.placed[i], chain.pace) for j in earlier]
    legs += [leg(chain.placed[i], chain.placed[j], chain.pace) for j in later]
    worst = max(legs, key=lambda one: one.least_speed_m_s)
    return LeftOut(chain.placed[i], Doubt.IMPOSSIBLE, worst, chain.cost(i) < DISPUTED)
