"""What the cameras of the end-to-end tests see, and what is true of it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from xunshi import demo
from xunshi.demo.scenarios import SHORT

#: After the people the gate stays empty for about five minutes, longer than any test looks.
_EMPTY_S, _EMPTY_TIMES = 10.0, 30


@dataclass(frozen=True)
class Scene:
    """Clips to be played one after the other, and who passes in them: state → people."""

    clips: tuple[Path, ...]
    truth: Counter[str]
    people_s: float


def film(samples: Path, folder: Path) -> Scene:
    """Compose it, once."""
    people = demo.compose_short(samples, folder)
    empty = demo.compose(samples, folder, dataclasses.replace(SHORT, name="empty", duration_s=_EMPTY_S, visits=()))
    seen = {(face.person, face.state) for frame in demo.read(people.truth) for face in frame.faces}
    truth = Counter(state for _, state in seen)
    return Scene((people.path, *[empty.path] * _EMPTY_TIMES), truth, people.duration_s)
