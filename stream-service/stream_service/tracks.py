"""Tracks of one camera: the same face over time. Constant velocity and distance, ages in seconds.

Used by `passes`. A track survives gaps: what was not seen goes on moving for a moment in thought, and may be found
again near there or near its last place. Time without analysed frames is nobody's gap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

import numpy as np

from shared_kernel.messages import Face
from stream_service.association import pairs

#: A track that was unseen for this long, in frames that were analysed, has ended, seconds; up to twice as long for a
#: face that is missed often, because for it a gap says little.
GAP_S: Final = 2.5
_MIN_HIT_SHARE: Final = 0.5
#: Whoever was last expected beyond the edge of the picture has left, seconds: who comes in there later is another.
LEFT_GAP_S: Final = 1.0
#: Sightings far below a track's best score are doubtful: mostly the head of somebody who turned away. After so many of
#: them in a row, over so long, seconds, a face that shows itself there may be anybody's.
_DOUBTFUL_SHARE: Final = 0.72
_MAX_DOUBTFUL: Final = 8
_MAX_DOUBTFUL_S: Final = 4.0
#: A single frame adds at most this much to a gap, seconds: frames may have been skipped before it.
MAX_FRAME_GAP_S: Final = 1.0
#: A track that was unseen for this long has ended even if nothing was analysed meanwhile, seconds.
BLIND_GAP_S: Final = 10.0
#: Prediction goes no further than this, seconds: people stop and turn.
_MAX_PREDICTION_S: Final = 0.8
#: How far a face may be from where it is expected, in face sizes: at once, per second with and without known motion.
_REACH: Final = 0.7
_REACH_PER_S: Final = 4.0
_REACH_PER_S_NEW: Final = 11.0
_MAX_REACH: Final = 4.0
#: Faces whose sizes differ by more than this factor are not the same.
_MAX_SIZE_RATIO: Final = 2.5
#: Weight of a newly measured velocity against the known one.
_VELOCITY_GAIN: Final = 0.6
#: Two sightings closer than this say nothing about velocity, seconds.
_MIN_STEP_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Sighting:
    """One face of one frame in pixels of the full frame: centre, geometric mean of its sides, the frame's size."""

    face: Face
    x: float
    y: float
    size: float
    frame: tuple[int, int]

    @classmethod
    def of(cls, face: Face, width: int, height: int) -> Sighting:
        box = face.box
        wide, high = (box.x1 - box.x0) * width, (box.y1 - box.y0) * height
        x, y = (box.x0 + box.x1) / 2 * width, (box.y0 + box.y1) / 2 * height
        return cls(face, x, y, math.sqrt(max(wide * high, 1.0)), (width, height))


@dataclass(eq=False, slots=True)
class Track:
    """One face over time. Times are seconds since the epoch; `sure_s` is the last one that was not doubtful."""

    track_id: int
    x: float
    y: float
    size: float
    frame: tuple[int, int]
    first_s: float
    seen_s: float
    sure_s: float
    best_score: float
    sightings: int = 1
    unseen_s: float = 0.0
    missed: int = 0
    missed_in_all: int = 0
    doubtful: int = 0
    replaced: bool = False
    velocity: tuple[float, float] | None = None

    @classmethod
    def begin(cls, track_id: int, sighting: Sighting, at_s: float) -> Track:
        x, y, size, score = sighting.x, sighting.y, sighting.size, sighting.face.score
        return cls(track_id, x, y, size, sighting.frame, at_s, at_s, at_s, score)

    def has_ended(self, now_s: float) -> bool:
        if self.replaced:
            return True
        share = max(_MIN_HIT_SHARE, self.sightings / (self.sightings + self.missed_in_all))
        gap_s = LEFT_GAP_S if self.has_left() else GAP_S / share
        return self.unseen_s > gap_s or now_s - self.seen_s > BLIND_GAP_S

    def turned_away(self) -> bool:
        """Whether it has shown no face for so long that the next one may be another person's."""
        return self.doubtful >= _MAX_DOUBTFUL and self.seen_s - self.sure_s > _MAX_DOUBTFUL_S

    def is_doubtful(self, sighting: Sighting) -> bool:
        return sighting.face.score < _DOUBTFUL_SHARE * self.best_score

    def has_left(self) -> bool:
        """Whether it was moving out of the picture when it was last seen."""
        x, y = self.expected(self.seen_s + _MAX_PREDICTION_S)
        width, height = self.frame
        return not (0 <= x <= width and 0 <= y <= height)

    def miss(self, gap_s: float) -> None:
        """An analysed frame did not have it."""
        self.unseen_s += gap_s
        self.missed += 1

    def expected(self, at_s: float) -> tuple[float, float]:
        """Where the face should be at `at_s`."""
        ahead_s = min(at_s - self.seen_s, _MAX_PREDICTION_S)
        vx, vy = self.velocity or (0.0, 0.0)
        return self.x + vx * ahead_s, self.y + vy * ahead_s

    def reach(self, at_s: float) -> float:
        """How far from there it may be, pixels."""
        per_s = _REACH_PER_S if self.velocity else _REACH_PER_S_NEW
        return self.size * min(_MAX_REACH, _REACH + per_s * (at_s - self.seen_s))

    def move(self, to: Sighting, at_s: float) -> None:
        step_s = at_s - self.seen_s
        if step_s >= _MIN_STEP_S:
            measured = (to.x - self.x) / step_s, (to.y - self.y) / step_s
            known, gain = self.velocity or measured, _VELOCITY_GAIN
            self.velocity = (
                gain * measured[0] + (1 - gain) * known[0],
                gain * measured[1] + (1 - gain) * known[1],
            )
        self.x, self.y, self.size = to.x, to.y, 0.5 * (self.size + to.size)
        self.missed_in_all += self.missed
        self.seen_s, self.unseen_s, self.missed = at_s, 0.0, 0
        self.sightings += 1
        if self.is_doubtful(to):
            self.doubtful += 1
        else:
            self.doubtful, self.sure_s = 0, at_s
        self.best_score = max(self.best_score, to.face.score)


class Tracker:
    """All tracks of one camera. Not thread safe."""

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self._ids = count(1)
        self._last_s: float | None = None

    def see(self, at_s: float, sightings: Sequence[Sighting]) -> list[tuple[Track, Sighting]]:
        """One analysed frame, later than the one before: every sighting with its track, new or known."""
        gap_s = min(at_s - self._last_s, MAX_FRAME_GAP_S) if self._last_s is not None else 0.0
        self._last_s = at_s
        matched = {column: self.tracks[row] for row, column in pairs(self._costs(at_s, sightings))}
        seen = {id(track) for track in matched.values()}
        for track in self.tracks:
            if id(track) not in seen:
                track.miss(gap_s)
        return [(self._followed(matched.get(column), one, at_s), one) for column, one in enumerate(sightings)]

    def _followed(self, track: Track | None, sighting: Sighting, at_s: float) -> Track:
        """The track that `sighting` goes on, or a new one."""
        if track is not None and track.turned_away() and not track.is_doubtful(sighting):
            track.replaced, track = True, None
        if track is None:
            track = Track.begin(next(self._ids), sighting, at_s)
            self.tracks.append(track)
        else:
            track.move(sighting, at_s)
        return track

    def ended(self, now_s: float) -> list[Track]:
        """Take out and return the tracks that are over at `now_s`."""
        over = [track for track in self.tracks if track.has_ended(now_s)]
        self.tracks = [track for track in self.tracks if track not in over]
        return over

    def _costs(self, at_s: float, sightings: Sequence[Sighting]) -> np.ndarray:
        """Distance from the expected place in face sizes, plus a little for another size; inf out of reach."""
        costs = np.full((len(self.tracks), len(sightings)), np.inf)
        for row, track in enumerate(self.tracks):
            x, y = track.expected(at_s)
            reach, lost = track.reach(at_s), at_s - track.seen_s > _MAX_PREDICTION_S
            for column, sighting in enumerate(sightings):
                distance = math.hypot(sighting.x - x, sighting.y - y)
                stayed = math.hypot(sighting.x - track.x, sighting.y - track.y)
                if lost:  # it may as well have stayed where it was
                    distance = min(distance, stayed)
                elif distance > reach >= stayed:  # it stopped or turned: possible, but any other explanation is better
                    distance = reach
                ratio = max(sighting.size / track.size, track.size / sighting.size)
                if distance <= reach and ratio <= _MAX_SIZE_RATIO:
                    costs[row, column] = distance / track.size + 0.5 * math.log(ratio)
        return costs
