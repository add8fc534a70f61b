"""Puts the parts together: which session runs which network, from which file. The only place that knows them all."""

from pathlib import Path
from typing import Literal

from inference_service import weights
from inference_service.models.mask_reader import MaskReader
from inference_service.models.mask_state import MaskStateClassifier
from inference_service.models.yunet import FaceDetector
from inference_service.ports import Session
from inference_service.rules import MIN_FACE_SCORE
from inference_service.sessions.openvino import OpenVinoSession

Device = Literal["auto", "cpu", "cuda"]

#: Cameras come in few formats: 16:9 and 4:3, upright and turned, and the smaller copies of each.
DETECTOR_SHAPES = 6


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
