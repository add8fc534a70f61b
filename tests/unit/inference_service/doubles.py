"""Stand-ins of this service: models that answer what they are told, a shelf of them, a desk that reads at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from inference_service.ports import Model
from shared_kernel.errors import NotFound
from shared_kernel.messages import FrameAnalysed, MaskState, Task
from shared_kernel.vision.pictures import decode
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import FaceReading, Found, Urgency


def found(box: tuple[float, float, float, float] = (64, 48, 128, 96)) -> Found:
    """A face without a mask."""
    points = np.array([[80, 60], [110, 60], [96, 70], [84, 84], [108, 84]], np.float32)
    return Found("without_mask", 0.72, box, FaceReading(0.9, MaskState.WITHOUT_MASK, 0.8, points))


@dataclass
class CannedModel:
    """Finds the same in every picture; `before` is called with each batch, and may raise."""

    answer: list[Found] = field(default_factory=lambda: [found()])
    before: Callable[[Sequence[Picture]], None] = lambda _: None
    batches: list[int] = field(default_factory=list)

    def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
        self.before(pictures)
        self.batches.append(len(pictures))
        return [list(self.answer) for _ in pictures]


@dataclass(frozen=True)
class CannedCard:
    name: str
    version: str = "1.0.0"
    min_score: float = 0.2


@dataclass
class CannedModels:
    """Models by name; the first is the default of `state`."""

    models: Mapping[str, Model]

    def find(self, name: str, version: str | None = None) -> CannedCard:
        if name not in self.models or version not in (None, "1.0.0"):
            raise NotFound(f"model {name!r}: there is none", code="no_model")
        return CannedCard(name)

    def default(self, task: Task) -> CannedCard:
        if task != "state":
            raise NotFound(f"task {task}: no model does this", code="no_model")
        return CannedCard(next(iter(self.models)))

    def open(self, name: str, version: str | None = None) -> Model:
        self.find(name, version)
        return self.models[name]


@dataclass
class PromptDesk:
    """Reads what is submitted at once, alone; `refuse` is raised instead, when it is set."""

    models: CannedModels
    refuse: Exception | None = None
    fail: Exception | None = None
    urgencies: list[Urgency] = field(default_factory=list)

    def submit(
        self, name: str, pictures: Sequence[Picture], urgency: Urgency, version: str | None = None
    ) -> Future[list[list[Found]]]:
        if self.refuse is not None:
            raise self.refuse
        self.urgencies.append(urgency)
        future: Future[list[list[Found]]] = Future()
        if self.fail is not None:
            future.set_exception(self.fail)
        else:
            future.set_result(self.models.open(name, version).read(pictures))
        return future


class PlainDecoder:
    """Decodes in this process."""

    def decode(self, data: bytes, urgency: Urgency) -> Picture:  # noqa: ARG002 - at once
        return decode(data)


@dataclass
class CountedTally:
    """Counts everything in one place."""

    counts: Counter[str] = field(default_factory=Counter)

    def frame_analysed(self, frame: FrameAnalysed) -> None:  # noqa: ARG002 - only counted
        self.counts["analysed"] += 1

    def frame_skipped(self, reason: str) -> None:
        self.counts[reason] += 1

    def photo_done(self, outcome: str) -> None:
        self.counts[outcome] += 1

    def live_done(self, outcome: str) -> None:
        self.counts[f"live {outcome}"] += 1

    def decoder_ended(self, reason: str) -> None:
        self.counts[f"decoder {reason}"] += 1


@dataclass
class CountedDeskTally:
    """Keeps what the desk tells."""

    batches: list[tuple[str, int]] = field(default_factory=list)
    times: list[tuple[str, Urgency, float, float]] = field(default_factory=list)
    refusals: Counter[Urgency] = field(default_factory=Counter)
    lengths: dict[tuple[str, Urgency], int] = field(default_factory=dict)

    def waiting(self, model: str, urgency: Urgency, pictures: int) -> None:
        self.lengths[model, urgency] = pictures

    def refused(self, model: str, urgency: Urgency) -> None:  # noqa: ARG002 - only counted
        self.refusals[urgency] += 1

    def batch_read(self, model: str, pictures: int) -> None:
        self.batches.append((model, pictures))

    def picture_read(self, model: str, urgency: Urgency, queued_s: float, total_s: float) -> None:
        self.times.append((model, urgency, queued_s, total_s))


@dataclass
class StoredObjects:
    """Objects by key."""

    objects: dict[str, bytes]

    def get(self, key: str) -> bytes:
        if key not in self.objects:
            raise NotFound(f"object {key}: not in the store")
        return self.objects[key]

    def put(self, key: str, data: bytes, *, content_type: str = "") -> None:  # noqa: ARG002
        self.objects[key] = data
