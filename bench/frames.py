"""A hundred thousand frames through the story of inference-service in one process: does its memory stay flat?

Frames of many sizes with none to eight faces, some stale, some broken, go through `Analyst` and its desk as they do in
a worker; only the bus is left out. Once with a model that answers at once, so that the story itself is looked at, and
once with the real networks. `growth` is the slope of the resident memory after a warm-up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from bench.figure import Figure
from bench.mask import ours
from inference_service.analyse import Analyst
from inference_service.desk import Desk
from inference_service.judge import Judge
from inference_service.metrics import PrometheusDeskTally, PrometheusTally
from inference_service.ports import Card, Model
from shared_kernel.clock import now
from shared_kernel.messages import FrameCaptured, MaskState, Task
from shared_kernel.testing.faces import DrawnFace, jpeg, scene
from shared_kernel.vision.pictures import decode
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import FaceReading, Found, Urgency

FRAMES: Final = 100_000
#: The real networks take a quarter of an hour for this many.
FRAMES_OF_NETWORKS: Final = 50_000
#: Share of the frames after which buffers, caches and compiled shapes are taken to be complete.
WARM_UP: Final = 0.2
SAMPLES: Final = 200
#: What is promised: a day of ten cameras at two frames a second adds less than 100 MiB.
PROMISED_MIB: Final = 0.5
PER_FRAMES: Final = 10_000
MAX_AGE_MS: Final = 1000
MAX_BATCH: Final = 8
#: Sizes of analysis frames, as stream-service makes them of common cameras.
SIZES: Final = ((640, 360), (640, 480), (360, 640), (480, 270), (960, 540), (512, 384))
_MIB: Final = 1024 * 1024


def figures(frames: int | None = None) -> Iterator[Figure]:
    """Growth in MiB per 10,000 frames, and how large the process is at the end."""
    parts: tuple[tuple[str, Callable[[], Model], int], ...] = (
        ("story", Canned, frames or FRAMES),
        ("networks", lambda: ours.model(ours.sessions(), ours.DEFAULT_SCORE), frames or FRAMES_OF_NETWORKS),
    )
    for name, make, count in parts:
        memory = fed(make(), count)
        yield Figure(
            f"memory growth, {name}, per {PER_FRAMES:,} of {count:,} frames", growth_mib(memory), PROMISED_MIB, "MiB"
        )
        yield Figure(f"  resident at the end, {name}", memory[-1].resident / _MIB, memory[0].resident / _MIB, "MiB")


@dataclass(frozen=True)
class Moment:
    """Resident memory, bytes, after so many frames."""

    frames: int
    resident: int


def fed(model: Model, frames: int, samples: int = SAMPLES) -> list[Moment]:
    """Feed frames and look at the memory in even distances.

    Raises:
        RuntimeError: fewer frames were answered or skipped than were fed.
    """
    desk = Desk(OneModel(model), PrometheusDeskTally(CollectorRegistry()), max_batch=MAX_BATCH)
    registry = CollectorRegistry()
    judge = Judge(OneModel(model), desk, Here())
    analyst = Analyst(judge, _not_drawn, now, MAX_AGE_MS, MAX_BATCH, PrometheusTally(registry))
    desk.start()
    chance, pictures = np.random.default_rng(1), drawn()
    memory, done = [Moment(0, resident())], 0
    while done < frames:
        backlog = [_frame(done + number, pictures, chance) for number in range(int(chance.integers(1, 2 * MAX_BATCH)))]
        for _ in analyst.frames(backlog):
            pass
        done += len(backlog)
        if done * samples >= len(memory) * frames:
            memory.append(Moment(done, resident()))
    desk.close(timeout_s=5)
    counted = sum(registry.get_sample_value(name, labels) or 0 for name, labels in _COUNTED)
    if counted != done:
        raise RuntimeError(f"frames: expected {done} to be answered or skipped, got {counted}")
    return memory


_COUNTED: Final = (
    ("inference_frames_analysed_total", {}),
    *(
        ("inference_frames_skipped_total", {"reason": reason})
        for reason in ("stale", "overtaken", "unreadable", "full")
    ),
)


def growth_mib(memory: Sequence[Moment]) -> float:
    """MiB per 10,000 frames: the slope through what was seen after the warm-up (least squares)."""
    late = [one for one in memory if one.frames >= WARM_UP * memory[-1].frames]
    slope, _ = np.polyfit([one.frames for one in late], [one.resident / _MIB for one in late], 1)
    return float(slope) * PER_FRAMES


def resident() -> int:
    """Resident memory of this process, bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def drawn() -> list[bytes]:
    """JPEGs of every size with none to eight faces."""
    chance, states = np.random.default_rng(2), [state.value for state in MaskState]
    pictures = []
    for width, height in SIZES:
        for faces in range(9):
            placed = [
                DrawnFace(
                    float(chance.uniform(0.1, 0.9)) * width,
                    float(chance.uniform(0.2, 0.8)) * height,
                    float(chance.uniform(0.1, 0.4)) * min(width, height),
                    states[number % len(states)],
                )
                for number in range(faces)
            ]
            pictures.append(jpeg(scene(*placed, width=width, height=height)))
    return pictures


def _frame(number: int, pictures: Sequence[bytes], chance: np.random.Generator) -> FrameCaptured:
    """One in fifty is stale, one in fifty broken, and some cameras have two in a backlog."""
    kind = chance.integers(0, 50)
    data = pictures[int(chance.integers(len(pictures)))]
    return FrameCaptured(
        frame_id=f"frame-{number}",
        camera_id=f"camera-{chance.integers(0, 40)}",
        owner="bench",
        seq=number,
        captured_at=now() - timedelta(seconds=60 if kind == 0 else 0),
        width=1920,
        height=1080,
        jpeg=data[: len(data) // 2] if kind == 1 else data,
    )


class Canned:
    """A model that finds one to five faces in every picture, at once."""

    def __init__(self) -> None:
        self._chance = np.random.default_rng(3)

    def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
        """See `inference_service.ports.Model`."""
        return [[_face(self._chance.uniform(0, 300, 2)) for _ in range(self._chance.integers(1, 6))] for _ in pictures]


def _face(corner: NDArray[np.float64]) -> Found:
    x, y = float(corner[0]), float(corner[1])
    points = np.asarray(corner + np.array([[9, 12], [31, 12], [20, 22], [12, 36], [28, 36]]), np.float32)
    reading = FaceReading(0.9, MaskState.WITH_MASK, 0.8, points, (0.8, 0.1, 0.1))
    return Found(MaskState.WITH_MASK.value, 0.72, (x, y, x + 40, y + 50), reading)


@dataclass(frozen=True)
class OneCard:
    """The card of the one model."""

    name: str = "mask"
    version: str = "1"
    min_score: float = 0.0


@dataclass(frozen=True)
class OneModel:
    """A shelf with one model on it; see `inference_service.ports.Models`."""

    model: Model

    def find(self, name: str, version: str | None = None) -> Card:  # noqa: ARG002 - there is one
        return OneCard()

    def default(self, task: Task) -> Card:  # noqa: ARG002 - there is one
        return OneCard()

    def open(self, name: str, version: str | None = None) -> Model:  # noqa: ARG002 - there is one
        return self.model


class Here:
    """Decodes in this process; see `shared_kernel.vision.ports.Decoder`."""

    def decode(self, data: bytes, urgency: Urgency) -> Picture:  # noqa: ARG002 - nobody waits
        return decode(data)


def _not_drawn(*_: object) -> bytes:
    raise NotImplementedError("frames are not drawn")
