"""Puts the parts together: which session runs which network, from which file. The only place that knows them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from inference_service import weights
from inference_service.models import catalogue
from inference_service.models.mask_reader import MaskReader
from inference_service.models.mask_state import MaskStateClassifier
from inference_service.models.yunet import FaceDetector
from inference_service.ports import Card, Model, Picture, Session
from inference_service.rules import MIN_FACE_SCORE, Found
from inference_service.sessions.openvino import OpenVinoSession
from shared_kernel.errors import NotFound

if TYPE_CHECKING:
    from inference_service.analyse import Analyst
    from inference_service.decoding import Decoders
    from inference_service.desk import Desk
    from inference_service.settings import Settings
    from shared_kernel.messages import Task

Device = Literal["auto", "cpu", "cuda"]

#: Cameras come in few formats: 16:9 and 4:3, upright and turned, and the smaller copies of each.
DETECTOR_SHAPES = 6

#: Annotated pictures are for people who look at them closely.
ANNOTATED_JPEG_QUALITY = 90


@dataclass(frozen=True)
class WorkerParts:
    """What `__main__` starts and stops, and the story that stands on it."""

    analyst: Analyst
    desk: Desk
    decoders: Decoders


def worker_parts(settings: Settings) -> WorkerParts:
    """Put a worker together; the default model is loaded, the decoders are started.

    Raises:
        NotFound: there is no model for faces.
        ArtifactError: a file of it is missing.
    """
    from inference_service.analyse import Analyst
    from inference_service.decoding import Decoders
    from inference_service.desk import Desk
    from inference_service.judge import Judge
    from inference_service.metrics import PrometheusDeskTally, PrometheusTally
    from shared_kernel.clock import now

    models = _OnlyMask(mask_reader(settings.weights_dir, device=settings.device, threads=settings.threads))
    tally = PrometheusTally()
    desk = Desk(models, PrometheusDeskTally(), max_batch=settings.max_batch)
    decoders = Decoders(settings.decoders, tally)
    judge = Judge(models, desk, decoders)
    analyst = Analyst(judge, _drawn, now, settings.max_frame_age_ms, settings.max_batch, tally)
    return WorkerParts(analyst, desk, decoders)


@dataclass(frozen=True)
class _MaskCard:
    name: str = catalogue.MASK.name
    version: str = "1"


@dataclass(frozen=True)
class _OnlyMask:
    """The one model there is."""

    model: Model

    def find(self, name: str, version: str | None = None) -> Card:  # noqa: ARG002 - there is one
        if name != catalogue.MASK.name:
            raise NotFound(f"model {name!r}: expected {catalogue.MASK.name}", code="no_model")
        return _MaskCard()

    def default(self, task: Task) -> Card:
        if task != "state":
            raise NotFound(f"task {task}: no model does this", code="no_model")
        return _MaskCard()

    def open(self, name: str, version: str | None = None) -> Model:
        self.find(name, version)
        return self.model


def _drawn(picture: Picture, found: Sequence[Found], card: Card, language: Literal["zh", "en"]) -> bytes:
    import cv2

    from inference_service.annotate import annotate

    drawn = annotate(picture, found, catalogue.find(card.name).labels, language)
    return cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, ANNOTATED_JPEG_QUALITY])[1].tobytes()


def mask_reader(
    weights_dir: Path, *, device: Device = "auto", threads: int = 1, min_face_score: float = MIN_FACE_SCORE
) -> MaskReader:
    """Make the model `mask` ready to run.

    Args:
        weights_dir: folder with the fetched networks.
        device: `cuda` runs our own network through torch on the GPU; `auto` does so where torch sees one.
        threads: CPU threads of a run.
        min_face_score: 0..1, faces below are not reported.

    Raises:
        ArtifactError: a network is missing.
    """
    detector = OpenVinoSession(weights.face_detector(weights_dir), threads, DETECTOR_SHAPES)
    return MaskReader(FaceDetector(detector, min_face_score), MaskStateClassifier(_mask_session(device, threads)))


def _mask_session(device: Device, threads: int) -> Session:
    if device == "cpu" or (device == "auto" and not _has_cuda()):
        return OpenVinoSession(weights.MASK_STATE_OPENVINO, threads)
    from inference_service.sessions.torch import TorchSession

    return TorchSession(weights.MASK_STATE_TORCH, "cuda", threads)


def _has_cuda() -> bool:
    """Ask torch only where a driver is installed: importing it takes seconds and 200 MB."""
    if not Path("/proc/driver/nvidia/version").exists():
        return False
    from inference_service.sessions.torch import has_cuda

    return has_cuda()
