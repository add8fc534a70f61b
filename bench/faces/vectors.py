"""The ten nearest of ten thousand and of a hundred thousand faces: our index beside numpy that looks at everything.

The filter is one of forty cameras and the last tenth of the time. Vectors are made up: persons are random directions,
pictures of one scatter around it as those of SFace do (cosine 0.65 between two of a person). A question is another
picture of somebody. The index is a Milvus Lite server in a process of its own, as the stack runs it; numpy has
everything in its own memory, and knows before it is asked which rows pass the filter.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.figure import Figure
from face_search.adapters.milvus import MilvusIndex
from face_search.ports import IndexEntry, IndexFilter
from shared_kernel.messages import MaskState, derived_id
from shared_kernel.testing.milvus import MilvusServer

T = TypeVar("T")

MODEL: Final = "bench-1"
DIMENSION: Final = 128
TOP: Final = 10
#: Cameras; a filter names one of them, and the last tenth of the time.
CAMERAS: Final = 40
QUESTIONS: Final = 100
#: Of more faces than this fewer questions are asked.
MANY: Final = 200_000
FEW_QUESTIONS: Final = 25
#: Cosine between two pictures of one person, and pictures of each.
LIKENESS: Final = 0.65
PICTURES: Final = 5
#: Faces of one call.
BATCH: Final = 64
#: Milvus Lite is not told to write more often, seconds.
SETTLED_S: Final = 2.5
_BATCH: Final = 5_000
_ASK_FIRST: Final = 5


@dataclass(frozen=True)
class Faces:
    """Sightings: N x D float32 of length 1; which camera and when, in milliseconds."""

    vectors: NDArray[np.float32]
    cameras: NDArray[np.int64]
    seen_ms: NDArray[np.int64]

    def entries(self) -> Iterator[list[IndexEntry]]:
        """The same as the index takes them, in portions."""
        for start in range(0, len(self.vectors), _BATCH):
            yield [self._entry(number) for number in range(start, min(start + _BATCH, len(self.vectors)))]

    def _entry(self, number: int) -> IndexEntry:
        return IndexEntry(
            vector_id=identifier(number),
            vector=self.vectors[number],
            kind="sighting",
            subject_id=identifier(number),
            person_id="",
            camera_id=camera(int(self.cameras[number])),
            seen_at_ms=int(self.seen_ms[number]),
            mask_state=MaskState.WITHOUT_MASK,
            covered=False,
        )


def figures(count: int) -> Iterator[Figure]:
    """Milliseconds of a search with and without filter, hits that were found of those that are there, memory."""
    faces = made_up(count)
    asked = made_up(QUESTIONS if count <= MANY else FEW_QUESTIONS, seed=2, like=count).vectors
    label = f"top {TOP} of {count:,}"
    with tempfile.TemporaryDirectory() as folder, MilvusServer(Path(folder)) as server:
        index = MilvusIndex(server.url, patience_s=120)
        index.ensure(MODEL, DIMENSION)
        began = time.perf_counter()
        for portion in faces.entries():
            index.upsert(MODEL, portion)
        yield Figure(f"{label}: put in", count / (time.perf_counter() - began), None, "1/s")
        time.sleep(SETTLED_S)
        index.ensure(MODEL, DIMENSION)  # as `syncing` does every few seconds: what is loose becomes a segment
        only = IndexFilter("sighting")
        some = IndexFilter("sighting", camera_ids=frozenset({camera(7)}), from_ms=int(count * 0.9), to_ms=count)
        chosen = (faces.cameras == 7) & (faces.seen_ms >= int(count * 0.9))
        for name, where, rows in (("", only, None), (" with a filter", some, chosen)):
            began_ms = processor_ms(server.pid)
            yield from _search(f"{label}{name}", index, only=where, vectors=faces.vectors, rows=rows, asked=asked)
            spent_ms = (processor_ms(server.pid) - began_ms) / (len(asked) + _ASK_FIRST)
            yield Figure(f"{label}{name}, processor time of the index", spent_ms, None, "ms")
        batch_s = _seconds(lambda: index.search(MODEL, asked[:BATCH], TOP, only))
        yield Figure(f"{label}: {len(asked[:BATCH])} faces in one call", batch_s * 1000, None, "ms")
        yield Figure(f"{label}: memory of the index", resident_mb(server.pid), faces.vectors.nbytes / 1e6, "MB")
        index.close()


def _search(
    label: str,
    index: MilvusIndex,
    *,
    only: IndexFilter,
    vectors: NDArray[np.float32],
    rows: NDArray[np.bool_] | None,
    asked: NDArray[np.float32],
) -> Iterator[Figure]:
    hits, ours = timed(lambda one: index.search(MODEL, one[None], TOP, only)[0], asked)
    true, numpys = timed(lambda one: exact(vectors, rows, one), asked)
    found = sum(
        len({hit.vector_id for hit in row} & {identifier(one) for one in best})
        for row, best in zip(hits, true, strict=True)
    )
    for share, name in ((50, "p50"), (95, "p95")):
        yield Figure(f"{label}, {name}", float(np.percentile(ours, share)), float(np.percentile(numpys, share)), "ms")
    yield Figure(f"{label}, recall", found / sum(len(best) for best in true), 1.0, "")


def made_up(count: int, seed: int = 1, like: int | None = None) -> Faces:
    """Pictures of count / PICTURES persons; with `like`, further pictures of the persons of `made_up(like)`."""
    persons = _directions(max(1, (like or count) // PICTURES), seed=0)
    rng = np.random.default_rng(seed)
    whose = rng.integers(0, len(persons), count) if like else np.arange(count) % len(persons)
    noise = rng.standard_normal((count, DIMENSION), dtype=np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    vectors = persons[whose] * np.float32(np.sqrt(LIKENESS)) + noise * np.float32(np.sqrt(1 - LIKENESS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Faces(vectors, rng.integers(0, CAMERAS, count), np.arange(count))


def exact(vectors: NDArray[np.float32], rows: NDArray[np.bool_] | None, one: NDArray[np.float32]) -> list[int]:
    """The nearest, by looking at everything, or at the rows that pass the filter."""
    places = None if rows is None else np.flatnonzero(rows)
    scores = (vectors if places is None else vectors[places]) @ one
    best = np.argpartition(-scores, min(TOP, len(scores) - 1))[:TOP]
    best = best[np.argsort(-scores[best])]
    return [int(number) for number in (best if places is None else places[best])]


def timed(
    ask: Callable[[NDArray[np.float32]], list[T]], asked: NDArray[np.float32]
) -> tuple[list[list[T]], list[float]]:
    """Answers, and milliseconds of each, after a few that do not count."""
    for one in asked[:_ASK_FIRST]:
        ask(one)
    answers: list[list[T]] = []
    milliseconds: list[float] = []
    for one in asked:
        began = time.perf_counter()
        answers.append(ask(one))
        milliseconds.append((time.perf_counter() - began) * 1000)
    return answers, milliseconds


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def identifier(number: int) -> str:
    """Of a sighting."""
    return f"{number:026d}"


def camera(number: int) -> str:
    """Id of a camera."""
    return derived_id("camera", number)


def resident_mb(pid: int) -> float:
    """Memory that a process has now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kilobytes) / 1000


def processor_ms(pid: int) -> float:
    """Processor time that a process has taken so far: other work on the machine disturbs it less than the clock."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _directions(count: int, seed: int) -> NDArray[np.float32]:
    made = np.random.default_rng(seed).standard_normal((count, DIMENSION), dtype=np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)
