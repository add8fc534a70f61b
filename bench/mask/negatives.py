"""Bare faces that look masked: turned away, bearded, behind a hand, in a helmet. How often is one called masked?

The list is a JSON object a line: `{"image": "…", "kind": "beard", "box": [x0, y0, x1, y1]}`, the path relative to the
folder of data, the box in pixels or left out where the picture shows one face. All faces listed are bare.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bench.mask.measure import INCORRECT, WITH, Floats, Said, overlaps
from shared_kernel.vision.pictures import read_file
from shared_kernel.vision.ports import Picture

#: Least intersection over union of a box with the face it is about.
MIN_OVERLAP: Final = 0.4


@dataclass(frozen=True)
class System:
    """Somebody who says what is in a picture, and the score from which it is commonly believed."""

    read: Callable[[Picture], Said]
    default_score: float


@dataclass(frozen=True)
class BareFace:
    """A face without a mask; `box` is 1 x 4, or None where the picture shows one face."""

    image: Path
    kind: str
    box: Floats | None


def read(path: Path, data: Path) -> list[BareFace]:
    """Read a list of pictures in the folder `data`.

    Raises:
        ValueError: a line is not as expected.
    """
    faces = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            box = np.array([entry["box"]], np.float64).reshape(1, 4) if entry.get("box") else None
            faces.append(BareFace(data / entry["image"], str(entry["kind"]), box))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} line {number}: expected image, kind and maybe box: {error!r}") from error
    return faces


def answer(face: BareFace, said: Said, min_score: float) -> int | None:
    """The class that is said of the face, None when it is not found."""
    believed = np.flatnonzero(said.scores >= min_score)
    if not len(believed):
        return None
    if face.box is None:
        return int(said.labels[believed[said.scores[believed].argmax()]])
    union = overlaps(face.box, said.boxes[believed])[0][0]
    return int(said.labels[believed[union.argmax()]]) if union.max() >= MIN_OVERLAP else None


def as_markdown(faces: Sequence[BareFace], systems: dict[str, System]) -> Iterator[str]:
    """A line a kind and system: of the faces found, how many are called masked or worn incorrectly."""
    answers: dict[tuple[str, str], list[int | None]] = {}
    for face in faces:
        picture = read_file(face.image)
        for name, system in systems.items():
            said = answer(face, system.read(picture), system.default_score)
            answers.setdefault((face.kind, name), []).append(said)
            answers.setdefault(("all", name), []).append(said)
    yield "| bare faces | system | faces | found | called with_mask | called mask_worn_incorrectly |"
    yield "|---|---|---|---|---|---|"
    for (kind, name), given in sorted(answers.items()):
        found = [one for one in given if one is not None]
        shares = (f"{np.mean([one == label for one in found]):.1%}" if found else "-" for label in (WITH, INCORRECT))
        yield f"| {kind} | {name} | {len(given)} | {len(found) / len(given):.1%} | {' | '.join(shares)} |"
