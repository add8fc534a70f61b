"""How people move: a visit's steps in, where somebody stands and how the limbs are at a moment out. No drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xunshi.demo.figure import Outfit

#: Metres a step, metres a second.
STEP_M, SPEED_M_S = 0.68, 1.15
_TURN_S = 0.9
_EASE_S = 0.35


@dataclass(frozen=True)
class Walk:
    """Go straight to this place."""

    x_m: float
    z_m: float


@dataclass(frozen=True)
class Wait:
    """Stand still."""

    seconds: float


@dataclass(frozen=True)
class Turn:
    """Turn round on the spot: to face away from the camera, or to face it again."""


Step = Walk | Wait | Turn


@dataclass(frozen=True)
class Visit:
    """One person's way across the scene. People face the camera until they turn."""

    person: str
    subject: str
    outfit: Outfit
    enters_at_s: float
    start: tuple[float, float]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Pose:
    """A moment of a visit.

    Attributes:
        x_m: place, to the right.
        z_m: place, away from the camera.
        stride: phase of the walk, radians; a step is π.
        vigour: 0 standing, 1 walking.
        facing: 1 towards the camera, -1 away, between while turning.
        at_s: seconds since the visit began.
    """

    x_m: float
    z_m: float
    stride: float
    vigour: float
    facing: float
    at_s: float


def duration_s(visit: Visit) -> float:
    """How long the visit lasts."""
    return sum(seconds for _, seconds, _ in _timed(visit))


def pose(visit: Visit, at_s: float) -> Pose | None:
    """Where the person is `at_s` seconds into the clip; None before and after the visit."""
    elapsed = at_s - visit.enters_at_s
    if elapsed < 0:
        return None
    facing, walked, begun = 1.0, 0.0, 0.0
    timed = _timed(visit)
    for index, (step, seconds, (here, there)) in enumerate(timed):
        inside = elapsed - begun
        if inside < seconds:
            share = inside / seconds
            way = math.dist(here, there) * share
            place = (here[0] + (there[0] - here[0]) * share, here[1] + (there[1] - here[1]) * share)
            turned = facing * math.cos(math.pi * _eased(share)) if isinstance(step, Turn) else facing
            vigour = _vigour([kind for kind, _, _ in timed], index, inside, seconds)
            return Pose(*place, math.pi * (walked + way) / STEP_M, vigour, turned, elapsed)
        begun += seconds
        walked += math.dist(here, there)
        facing = -facing if isinstance(step, Turn) else facing
    return None


def _timed(visit: Visit) -> list[tuple[Step, float, tuple[tuple[float, float], tuple[float, float]]]]:
    """Each step with its seconds and with where it leads from and to."""
    here = visit.start
    timed: list[tuple[Step, float, tuple[tuple[float, float], tuple[float, float]]]] = []
    for step in visit.steps:
        there = (step.x_m, step.z_m) if isinstance(step, Walk) else here
        if isinstance(step, Walk):
            seconds = math.dist(here, there) / SPEED_M_S
        else:
            seconds = step.seconds if isinstance(step, Wait) else _TURN_S
        timed.append((step, seconds, (here, there)))
        here = there
    return timed


def _vigour(kinds: Sequence[Step], index: int, inside: float, seconds: float) -> float:
    """Limbs swing up after a stop and come to rest before one, not at once."""
    if not isinstance(kinds[index], Walk):
        return 0.0
    after_rest = index > 0 and not isinstance(kinds[index - 1], Walk)
    before_rest = index + 1 < len(kinds) and not isinstance(kinds[index + 1], Walk)
    rising = min(1.0, inside / _EASE_S) if after_rest else 1.0
    falling = min(1.0, (seconds - inside) / _EASE_S) if before_rest else 1.0
    return min(rising, falling)


def _eased(share: float) -> float:
    return share * share * (3 - 2 * share)
