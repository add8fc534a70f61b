"""Labelled pairs of pictures, and the vectors of the faces on them: ours, and those of faces in painted masks."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.faces.protocol import Flags, Scores
from face_search.ports import FaceRead, Picture
from face_search.read_faces import Reader, open_reader
from shared_kernel.vision import networks
from shared_kernel.vision.models.mask_reader import MaskReader
from shared_kernel.vision.pictures import read_file
from training.paint import paint_mask
from xunshi.places import WEIGHTS

Vectors = NDArray[np.float32]
Boxed = TypeVar("Boxed")


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pictures by their name in `pairs.csv`, and the pairs as places in `names`."""

    names: tuple[str, ...]
    pictures: tuple[Picture, ...]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: Flags

    def scores(self, one: Vectors, other: Vectors) -> Scores:
        """Cosines of the pairs; `one` and `other` are vectors of all pictures, `other` those of the second sides."""
        return np.asarray((one[self.first] * other[self.second]).sum(axis=1), np.float64)

    def every(self, one: Vectors, other: Vectors) -> tuple[Scores, Flags]:
        """Cosines of every picture against every other one, and whether they show one person."""
        who = np.array([Path(name).parent.name for name in self.names])
        rows, columns = np.nonzero(~np.eye(len(who), dtype=bool))
        return np.asarray((one @ other.T)[rows, columns], np.float64), np.asarray(who[rows] == who[columns], np.bool_)


@cache
def load(folder: Path) -> Pairs:
    """Read the pairs and their pictures.

    Raises:
        SystemExit: the folder has none.
    """
    listed = folder / "pairs.csv"
    if not listed.is_file():
        raise SystemExit(f"{folder}: expected pairs.csv in it")
    with listed.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = tuple(sorted({row[side] for row in rows for side in ("image_a", "image_b")}))
    place = {name: index for index, name in enumerate(names)}
    first, second = (np.array([place[row[side]] for row in rows]) for side in ("image_a", "image_b"))
    pictures = tuple(read_file(folder / name) for name in names)
    return Pairs(names, pictures, first, second, np.array([row["same"] == "1" for row in rows]))


@cache
def bare(folder: Path) -> list[FaceRead]:
    """Read the faces as they are; see `read_all`."""
    return read_all(load(folder).pictures)


@cache
def worn(folder: Path) -> tuple[tuple[Picture, ...], list[FaceRead]]:
    """Paint a mask on every face, over the nose, in a colour and form of chance; give the pictures and the faces."""
    pictures = tuple(_painted(picture, seed) for seed, picture in enumerate(load(folder).pictures))
    return pictures, read_all(pictures)


def read_all(pictures: Sequence[Picture]) -> list[FaceRead]:
    """Give the face in the middle of each picture: that is the one that LFW means.

    Raises:
        SystemExit: no face is found in one.
    """
    found = [central_face(picture) for picture in pictures]
    if missing := [index for index, face in enumerate(found) if face is None]:
        raise SystemExit(f"no face in pictures {missing}")
    return [face for face in found if face is not None]


def central_face(picture: Picture) -> FaceRead | None:
    """Give the face nearest to the middle of a picture."""
    return _central(picture, reader().read(picture), lambda face: face.box)


def vectors(faces: Sequence[FaceRead]) -> Vectors:
    """N x D float32."""
    return np.stack([face.vector for face in faces])


@cache
def reader() -> Reader:
    """Ours, on one core."""
    return open_reader(WEIGHTS, device="cpu", threads=1)


@cache
def _finder() -> MaskReader:
    return networks.mask_reader(device="cpu")


def _painted(picture: Picture, seed: int) -> Picture:
    found = _central(picture, _finder().read([picture])[0], lambda one: one.box)
    if found is None or found.face is None:
        raise SystemExit(f"no face in picture {seed}")
    return paint_mask(picture, found.face.landmarks, "worn", np.random.default_rng(seed))[0]


def _central(
    picture: Picture, found: Sequence[Boxed], box: Callable[[Boxed], tuple[float, float, float, float]]
) -> Boxed | None:
    height, width = picture.shape[:2]

    def beside(one: Boxed) -> float:
        x0, y0, x1, y1 = box(one)
        return float(np.hypot(x0 + x1 - width, y0 + y1 - height))

    return min(found, key=beside, default=None)
