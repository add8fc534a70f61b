"""Our own networks made ready: which session runs which network, from which file, on which device."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shared_kernel.errors import ArtifactError
from shared_kernel.vision import weights
from shared_kernel.vision.models.mask_reader import FINE_CROP_PX, MaskReader
from shared_kernel.vision.models.mask_state import MaskStateClassifier
from shared_kernel.vision.models.yunet import FaceDetector
from shared_kernel.vision.ports import Session
from shared_kernel.vision.rules import MIN_FACE_SCORE
from shared_kernel.vision.sessions.openvino import OpenVinoSession

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """How our own network is run: `precision` of torch on a GPU, `mode` of OpenVINO.

    `kept_operations`: see `OpenVinoSession`; for whoever meets pictures of every form, as those who enrol faces do.
    """

    precision: Literal["full", "half"] = "full"
    mode: Literal["latency", "throughput"] = "latency"
    kept_operations: int | None = None


#: What suits a worker on a CPU.
AS_USUAL = Tuning()

#: Cameras come in few formats: 16:9 and 4:3, upright and turned, and the smaller copies of each.
DETECTOR_SHAPES = 6

#: Pictures of one form that a GPU searches at once.
DETECTOR_BATCH = 16

#: Most pictures have few faces: these numbers of crops get a network of their own. Not so for the second look, where it
#: makes nothing faster.
STATE_SHAPES = 4


def mask_reader(
    *,
    device: Device = "auto",
    threads: int = 1,
    min_face_score: float = MIN_FACE_SCORE,
    tuning: Tuning = AS_USUAL,
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
    if device == "cpu" or (device == "auto" and not has_cuda()):
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
    mode, kept = tuning.mode, tuning.kept_operations
    return (
        OpenVinoSession(weights.FACE_DETECTOR_OPENVINO, threads, DETECTOR_SHAPES, mode=mode, kept_operations=kept),
        OpenVinoSession(weights.MASK_STATE_OPENVINO, threads, STATE_SHAPES, mode=mode, kept_operations=kept),
        OpenVinoSession(weights.MASK_STATE_FINE_OPENVINO, threads, mode=mode, kept_operations=kept),
    )


def _on_gpu(threads: int, tuning: Tuning) -> tuple[Session, Session, Session]:
    from shared_kernel.vision.sessions.face_network import FaceNetwork
    from shared_kernel.vision.sessions.mask_state_network import FINE_STAGE_CHANNELS, MaskStateNetwork
    from shared_kernel.vision.sessions.torch import TorchSession

    larger = MaskStateNetwork(stage_channels=FINE_STAGE_CHANNELS)
    return (
        TorchSession(FaceNetwork(), weights.FACE_DETECTOR_TORCH, "cuda", threads, tuning.precision),
        TorchSession(MaskStateNetwork(), weights.MASK_STATE_TORCH, "cuda", threads, tuning.precision),
        TorchSession(larger, weights.MASK_STATE_FINE_TORCH, "cuda", threads, tuning.precision),
    )


def has_cuda() -> bool:
    """Ask torch only where a driver is installed: importing it takes seconds and 200 MB."""
    if not Path("/proc/driver/nvidia/version").exists():
        return False
    from shared_kernel.vision.sessions.torch import has_cuda as torch_sees_one

    return torch_sees_one()
