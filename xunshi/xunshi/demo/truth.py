"""The truth beside a clip: who is where in each frame, one JSON object a line. Written by `compose`, read by tests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Face:
    """A face in a frame.

    Attributes:
        person: who, the same in every frame of a visit.
        state: with_mask, without_mask or mask_worn_incorrectly.
        box: x0 y0 x1 y1, pixels; may reach beyond the frame.
        visible: share of the box that is inside the frame and hidden by nobody, 0..1.
    """

    person: str
    state: str
    box: tuple[float, ...]
    visible: float

    @property
    def height_px(self) -> float:
        return self.box[3] - self.box[1]


@dataclass(frozen=True)
class FrameTruth:
    """One frame: its number, its time from the start of the clip, its faces from far to near."""

    frame: int
    at_s: float
    faces: tuple[Face, ...]


def write(path: Path, truths: Iterable[FrameTruth]) -> None:
    """One line a frame."""
    with path.open("w", encoding="utf-8") as out:
        for truth in truths:
            out.write(json.dumps(asdict(truth)) + "\n")


def read(path: Path) -> list[FrameTruth]:
    """What `write` wrote.

    Raises:
        ValueError: a line is not such an object.
    """
    truths = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            faces = tuple(Face(**{**face, "box": tuple(face["box"])}) for face in entry["faces"])
            truths.append(FrameTruth(entry["frame"], entry["at_s"], faces))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}:{number}: expected a frame's truth, got {line[:80]!r}") from error
    return truths
