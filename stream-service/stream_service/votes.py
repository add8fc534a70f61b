"""What a face wears, decided by many frames: weighted votes, a majority, and a change for good. Pure.

Used by `passes`. One frame proves little: faces blur, turn and are small. A vote weighs what its frame is worth.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from shared_kernel.messages import Face, MaskState

#: A decision needs this many sightings,
MIN_SIGHTINGS: Final = 3
#: over this long, seconds (two steps at 5 frames per second, less jitter),
MIN_SPAN_S: Final = 0.35
#: with votes of this weight in all (two good faces weigh about 1.6),
MIN_WEIGHT: Final = 1.0
#: and this share for one state; after `MAX_DOUBT_S` a plain majority is enough.
MIN_SHARE: Final = 0.6
MAX_DOUBT_S: Final = 2.0

#: One of the sightings must be a face for certain (detector score, 0..1), or there must be this many of them: the back
#: of a head may look like a small face for a while, at scores of 0.5 to 0.64 on our clips; faces of people who walk
#: towards the camera reach 0.7 within a few frames.
CERTAIN_FACE: Final = 0.7
MIN_DOUBTFUL_SIGHTINGS: Final = 20

#: A face of this size in the analysed picture votes fully, pixels; smaller ones less.
FULL_VOTE_PX: Final = 32.0
_MIN_SIZE_WEIGHT: Final = 0.2

#: The state has changed for good when this share of the votes of the last seconds says so.
TURN_WINDOW_S: Final = 3.0
TURN_SHARE: Final = 0.8
_TURN_MIN_SIGHTINGS: Final = 5
_TURN_MIN_COVERED: Final = 0.8


def weight_of(face: Face, size_px: float) -> float:
    """What one sighting is worth, 0..1: its certainty, the detector's, and the face's size in the analysed picture."""
    return face.state_score * face.score * max(_MIN_SIZE_WEIGHT, min(1.0, size_px / FULL_VOTE_PX))


@dataclass(frozen=True, slots=True)
class Vote:
    """`face_score` is the detector's certainty that it is a face at all, 0..1."""

    state: MaskState
    weight: float
    at_s: float
    face_score: float


@dataclass
class Votes:
    """The votes of one pass."""

    first_s: float | None = None
    last_s: float = 0.0
    sightings: int = 0
    best_face_score: float = 0.0
    _tally: dict[MaskState, float] = field(default_factory=dict)
    _recent: deque[Vote] = field(default_factory=deque)

    def add(self, vote: Vote) -> None:
        self.first_s = vote.at_s if self.first_s is None else self.first_s
        self.last_s = vote.at_s
        self.sightings += 1
        self.best_face_score = max(self.best_face_score, vote.face_score)
        self._tally[vote.state] = self._tally.get(vote.state, 0.0) + vote.weight
        self._recent.append(vote)
        while self._recent[0].at_s < vote.at_s - TURN_WINDOW_S:
            self._recent.popleft()

    def leader(self) -> tuple[MaskState, float]:
        """The state with most votes and its share. Of equals the one that is not protected wins.

        Raises:
            ValueError: nobody voted.
        """
        state = max(self._tally, key=lambda one: (self._tally[one], not one.protected))
        return state, self.share(state)

    def share(self, state: MaskState) -> float:
        """The share of the votes for `state`, 0..1."""
        total = sum(self._tally.values())
        return self._tally.get(state, 0.0) / total if total > 0 else 0.0

    def applied_to(self, face: Face) -> Face:
        """The face with the verdict so far, where there is one: a single picture flickers."""
        if not self._tally:
            return face
        state, share = self.leader()
        return face.model_copy(update={"state": state, "state_score": share})

    def decided(self) -> MaskState | None:
        """The state, once there is enough to say it."""
        if self.first_s is None or self.sightings < MIN_SIGHTINGS:
            return None
        if self.best_face_score < CERTAIN_FACE and self.sightings < MIN_DOUBTFUL_SIGHTINGS:
            return None
        span_s = self.last_s - self.first_s
        if span_s < MIN_SPAN_S or sum(self._tally.values()) < MIN_WEIGHT:
            return None
        state, share = self.leader()
        return state if share >= MIN_SHARE or span_s >= MAX_DOUBT_S else None

    def turned_from(self, state: MaskState) -> Votes | None:
        """When another state has held for `TURN_WINDOW_S`: those votes, taken out of these. Else None."""
        recent = list(self._recent)
        if len(recent) < _TURN_MIN_SIGHTINGS or recent[-1].at_s - recent[0].at_s < TURN_WINDOW_S * _TURN_MIN_COVERED:
            return None
        total = sum(vote.weight for vote in recent)
        for rival in MaskState:
            share = sum(vote.weight for vote in recent if vote.state is rival)
            if rival is not state and total and share / total >= TURN_SHARE:
                return self._split(next(place for place, vote in enumerate(recent) if vote.state is rival))
        return None

    def _split(self, place: int) -> Votes:
        new, recent = Votes(), list(self._recent)
        for vote in recent[place:]:
            new.add(vote)
            self._tally[vote.state] -= vote.weight
        self._recent = deque(recent[:place])
        self.sightings = max(1, self.sightings - new.sightings)
        self.last_s = recent[place - 1].at_s if place else (new.first_s or self.last_s)
        return new
