"""Puts the parts together: which session runs which network, from which file. The only place that knows them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from inference_service import weights
from inference_service.decoders.picodet import SCALE_INPUT
from inference_service.models.mask_reader import FINE_CROP_PX, MaskReader
from inference_service.models.mask_state import MaskStateClassifier
from inference_service.models.yunet import FaceDetector
from inference_service.packs.card import Card as PackCard
from inference_service.packs.content import Kind
from inference_service.packs.manifest import Manifest
from inference_service.packs.network import PackModel
from inference_service.packs.prepare import any_size
from inference_service.packs.problem import bad
from inference_service.packs.shelf import Shelf
from inference_service.ports import Card, Model, Picture, Session
from inference_service.rules import MIN_FACE_SCORE, Found
from inference_service.sessions.openvino import OpenVinoSession
from inference_service.sessions.openvino_pack import OpenVinoPackSession
from shared_kernel.errors import ArtifactError

if TYPE_CHECKING:
    from inference_service.analyse import Analyst
    from inference_service.decoding import Decoders
    from inference_service.desk import Desk
    from inference_service.settings import Settings
    from shared_kernel.messages import Task

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """How our own network is run: `precision` of torch on a GPU, `mode` of OpenVINO."""

    precision: Literal["full", "half"] = "full"
    mode: Literal["latency", "throughput"] = "latency"


#: Cameras come in few formats: 16:9 and 4:3, upright and turned, and the smaller copies of each.
DETECTOR_SHAPES = 6

#: Pictures of one form that a GPU searches at once.
DETECTOR_BATCH = 16

#: Most pictures have few faces: these numbers of crops get a network of their own. Not so for the second look, where it
#: makes nothing faster.
STATE_SHAPES = 4

#: Child processes of a worker that decode strangers' files: one goes on while a hostile file holds the other.
DECODERS = 2

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
    from inference_service.settings import model_of_task
    from shared_kernel.clock import now

    models = shelf(
        settings.weights_dir,
        settings.packs_dir,
        device="cuda" if settings.device == "cuda-half" else settings.device,
        threads=settings.threads,
        defaults=model_of_task(settings.default_models),
        tuning=Tuning("half" if settings.device == "cuda-half" else "full", settings.mode),
    )
    card = models.default("state")
    models.open(card.name, card.version)
    tally = PrometheusTally()
    desk = Desk(models, PrometheusDeskTally(), max_batch=settings.max_batch)
    decoders = Decoders(DECODERS, tally)
    judge = Judge(models, desk, decoders)
    analyst = Analyst(judge, _drawn, now, settings.max_frame_age_ms, settings.max_batch, tally)
    return WorkerParts(analyst, desk, decoders)


def shelf(
    weights_dir: Path,
    packs_dir: Path | None,
    *,
    device: Device = "auto",
    threads: int = 1,
    defaults: Mapping[Task, str] | None = None,
    tuning: Tuning = Tuning(),
) -> Shelf:
    """Make the shelf of a process that runs models; see `open_card` and `packs.shelf.Shelf` for the arguments."""

    def opener(card: PackCard) -> Model:
        return open_card(card, device=device, threads=threads, tuning=tuning)

    return Shelf(packs_dir, weights_dir, opener, defaults=defaults)


def open_card(
    card: PackCard,
    *,
    device: Device = "auto",
    threads: int = 1,
    min_score: float | None = None,
    tuning: Tuning = Tuning(),
) -> Model:
    """Load the model of a pack that is ready.

    Args:
        card: from the shelf.
        device: see `mask_reader`; ONNX, OpenVINO and Paddle files run on the CPU, TorchScript where torch can.
        threads: CPU threads of a run.
        min_score: least score of what is found, 0..1; None takes the model's own.
        tuning: of our own networks.

    Raises:
        BadPack: a file cannot be loaded.
        ArtifactError: a network of our own is missing.
    """
    if card.manifest is None or card.state != "ready":
        raise ArtifactError(f"model {card.name}: {card.reason}")
    if card.network is None:
        score = MIN_FACE_SCORE if min_score is None else min_score
        return mask_reader(device=device, threads=threads, min_face_score=score, tuning=tuning)
    path, kind = card.network
    try:
        session = _pack_session(path, kind, card.manifest, device, threads)
    except ValueError as error:
        raise bad(card.name, "files", str(error)) from error
    return PackModel(card.manifest, session, min_score)


def _pack_session(path: Path, kind: Kind, manifest: Manifest, device: Device, threads: int) -> Session:
    if kind != "torchscript":
        # PicoDet divides its boxes by this; 1 keeps them in pixels of its input.
        further = {SCALE_INPUT: np.ones((1, 2), np.float32)} if manifest.decode.kind == "picodet" else {}
        return OpenVinoPackSession(path, kind, threads, further, any_size(manifest.input))
    try:
        from inference_service.sessions.torchscript import TorchScriptSession
    except ImportError as error:
        raise ValueError(f"{path.name}: expected torch to run TorchScript, got none installed") from error
    on_gpu = device == "cuda" or (device == "auto" and _has_cuda())
    return TorchScriptSession(path, "cuda" if on_gpu else "cpu", threads)


def _drawn(picture: Picture, found: Sequence[Found], card: Card, language: Literal["zh", "en"]) -> bytes:
    import cv2

    from inference_service.annotate import annotate

    labels = card.labels if isinstance(card, PackCard) else ()
    drawn = annotate(picture, found, labels, language)
    return cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, ANNOTATED_JPEG_QUALITY])[1].tobytes()


def mask_reader(
    *,
    device: Device = "auto",
    threads: int = 1,
    min_face_score: float = MIN_FACE_SCORE,
    tuning: Tuning = Tuning(),
) -> MaskReader:
    """Make the model `mask` ready to run.

    Args:
        device: `cuda` runs our own networks through torch on the GPU; `auto` does so where torch sees one.
        threads: CPU threads of a run.
        min_face_score: 0..1, faces below are not reported.
        tuning: of all networks.

    Raises:
        ArtifactError: a network is missing.
    """
    if gone := weights.missing():
        raise ArtifactError(gone)
    if device == "cpu" or (device == "auto" and not _has_cuda()):
        detector, states, fine = _on_cpu(threads, tuning)
        batch = 1
    else:
        detector, states, fine = _on_gpu(threads, tuning)
        batch = DETECTOR_BATCH
    return MaskReader(
        FaceDetector(detector, min_face_score, batch=batch),
        MaskStateClassifier(states),
        MaskStateClassifier(fine, FINE_CROP_PX),
    )


def _on_cpu(threads: int, tuning: Tuning) -> tuple[Session, Session, Session]:
    return (
        OpenVinoSession(weights.FACE_DETECTOR_OPENVINO, threads, DETECTOR_SHAPES, mode=tuning.mode),
        OpenVinoSession(weights.MASK_STATE_OPENVINO, threads, STATE_SHAPES, mode=tuning.mode),
        OpenVinoSession(weights.MASK_STATE_FINE_OPENVINO, threads, mode=tuning.mode),
    )


def _on_gpu(threads: int, tuning: Tuning) -> tuple[Session, Session, Session]:
    from inference_service.sessions.face_network import FaceNetwork
    from inference_service.sessions.mask_state_network import FINE_STAGE_CHANNELS, MaskStateNetwork
    from inference_service.sessions.torch import TorchSession

    larger = MaskStateNetwork(stage_channels=FINE_STAGE_CHANNELS)
    return (
        TorchSession(FaceNetwork(), weights.FACE_DETECTOR_TORCH, "cuda", threads, tuning.precision),
        TorchSession(MaskStateNetwork(), weights.MASK_STATE_TORCH, "cuda", threads, tuning.precision),
        TorchSession(larger, weights.MASK_STATE_FINE_TORCH, "cuda", threads, tuning.precision),
    )


def _has_cuda() -> bool:
    """Ask torch only where a driver is installed: importing it takes seconds and 200 MB."""
    if not Path("/proc/driver/nvidia/version").exists():
        return False
    from inference_service.sessions.torch import has_cuda

    return has_cuda()
