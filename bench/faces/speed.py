"""How fast: faces made into vectors on one core, beside OpenCV with the same weights, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bench.faces import pairs
from bench.faces.opencv import OpenCvFaces
from bench.figure import Figure
from face_search.ports import Picture
from shared_kernel.vision.pictures import read_file
from xunshi.places import SAMPLES

#: Each round gives both sides about a second.
ROUNDS: Final = 5
FACES: Final = 64
READINGS: Final = 8


def figures() -> Iterator[Figure]:
    """Upright faces to vectors, and whole pictures to the vector of their one face; in processor time."""
    picture = read_file(SAMPLES / "collins.png")
    ours, theirs = pairs.reader(), OpenCvFaces()
    aligned = ours.read(picture)[0].aligned
    many = [aligned] * FACES
    yield _beside("speed, vectors", FACES, lambda: ours.embed(many), lambda: _each(theirs.embed, many), "faces/s")
    again = [picture] * READINGS
    name = "speed, pictures of one face"
    yield _beside(name, READINGS, lambda: _each(ours.read, again), lambda: _each(theirs.vector, again), "pictures/s")


def _each(read: Callable[[Picture], object], pictures: Sequence[Picture]) -> None:
    for picture in pictures:
        read(picture)


def _beside(name: str, count: int, ours: Callable[[], object], theirs: Callable[[], object], unit: str) -> Figure:
    for warm in (ours, theirs):
        warm()
    spent_s = {"ours": 0.0, "theirs": 0.0}
    for _ in range(ROUNDS):
        for side, work in (("ours", ours), ("theirs", theirs)):
            began_s = time.process_time()
            work()
            spent_s[side] += time.process_time() - began_s
    done = count * ROUNDS
    return Figure(name, done / spent_s["ours"], done / spent_s["theirs"], unit)
