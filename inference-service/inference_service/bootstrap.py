"""Puts the parts together: which session runs which network, from which file. The only place that knows them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from inference_service.decoders.picodet import SCALE_INPUT
from inference_service.packs.card import Card as PackCard
from inference_service.packs.content import Kind
from inference_service.packs.manifest import Manifest
from inference_service.packs.network import PackModel
from inference_service.packs.prepare import any_size
from inference_service.packs.problem import bad
from inference_service.packs.shelf import Shelf
from inference_service.ports import Card, Model
from shared_kernel.errors import ArtifactError
from shared_kernel.vision.networks import AS_USUAL, Device, Tuning, has_cuda, mask_reader
from shared_kernel.vision.ports import Picture, Session
from shared_kernel.vision.rules import MIN_FACE_SCORE, Found
from shared_kernel.vision.sessions.openvino_pack import OpenVinoPackSession

if TYPE_CHECKING:
    from inference_service.analyse import Analyst
    from inference_service.desk import Desk
    from inference_service.settings import Settings
    from shared_kernel.messages import Task
    from shared_kernel.vision.decoding import Decoders

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
    from inference_service.desk import Desk
    from inference_service.judge import Judge
    from inference_service.metrics import PrometheusDeskTally, PrometheusTally
    from inference_service.settings import model_of_task
    from shared_kernel.clock import now
    from shared_kernel.vision.decoding import Decoders

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
    tuning: Tuning = AS_USUAL,
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
    tuning: Tuning = AS_USUAL,
) -> Model:
    """Load the model of a pack that is ready.

    Args:
        card: from the shelf.
        device: see `networks.mask_reader`; ONNX, OpenVINO and Paddle files run on the CPU, TorchScript where torch can.
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
        from shared_kernel.vision.sessions.torchscript import TorchScriptSession
    except ImportError as error:
        raise ValueError(f"{path.name}: expected torch to run TorchScript, got none installed") from error
    on_gpu = device == "cuda" or (device == "auto" and has_cuda())
    return TorchScriptSession(path, "cuda" if on_gpu else "cpu", threads)


def _drawn(picture: Picture, found: Sequence[Found], card: Card, language: Literal["zh", "en"]) -> bytes:
    from inference_service.annotate import annotate
    from shared_kernel.vision.encoding import jpeg

    labels = card.labels if isinstance(card, PackCard) else ()
    drawn = annotate(picture, found, labels, language)
    return jpeg(drawn, ANNOTATED_JPEG_QUALITY)
