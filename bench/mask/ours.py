"""Our system beside `aizoo`: the model `mask` through the port that everything uses, with weights of any training."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np

from bench.mask.measure import Said
from inference_service.detect import DEFAULT_MIN_SCORE, FIT_PX
from inference_service.ports import Model
from shared_kernel.vision import weights
from shared_kernel.vision.models.mask_reader import FINE_CROP_PX, MaskReader
from shared_kernel.vision.models.mask_state import MaskStateClassifier
from shared_kernel.vision.models.yunet import FaceDetector
from shared_kernel.vision.networks import DETECTOR_SHAPES, STATE_SHAPES
from shared_kernel.vision.pictures import read_to_fit
from shared_kernel.vision.ports import Picture, Session
from shared_kernel.vision.rules import MASK_STATES, Found
from shared_kernel.vision.sessions.openvino import OpenVinoSession

Precision = Literal["f32", "bf16"]

#: As `xunshi detect` prints when it is not asked for more.
DEFAULT_SCORE: Final = DEFAULT_MIN_SCORE


class Networks(NamedTuple):
    """The networks of the model `mask`; without `fine`, `state` itself looks again at unsure faces."""

    detector: Session
    state: Session
    fine: Session | None = None


def sessions(folder: Path | None = None, *, precision: Precision = "f32", threads: int = 1) -> Networks:
    """Load the networks.

    Args:
        folder: weights of another training, with the names of `shared-kernel/weights`; without it those in use.
            The one of the second look may be missing, and is not taken from elsewhere then: the one in use saw every
            source, so it would know what a training with a source left out is measured on.
        precision: of the computation.
        threads: CPU threads of a run.

    Raises:
        FileNotFoundError: the folder lacks the detector or the state network.
    """
    detector = file_in(folder, weights.FACE_DETECTOR_OPENVINO)
    state = file_in(folder, weights.MASK_STATE_OPENVINO)
    try:
        fine = file_in(folder, weights.MASK_STATE_FINE_OPENVINO)
    except FileNotFoundError:
        fine = None
    return Networks(
        OpenVinoSession(detector, threads, DETECTOR_SHAPES, precision),
        OpenVinoSession(state, threads, STATE_SHAPES, precision),
        OpenVinoSession(fine, threads, precision=precision) if fine else None,
    )


def file_in(folder: Path | None, usual: Path) -> Path:
    """The file of the same name in the folder, or in its subfolder of the same name."""
    if folder is None:
        return usual
    for path in (folder / usual.parent.name / usual.name, folder / usual.name):
        if path.is_file():
            return path
    raise FileNotFoundError(f"{folder}: expected {usual.parent.name}/{usual.name} in it")


def model(networks: Networks, min_score: float) -> Model:
    """Put the model together; faces below `min_score` of the detector are left out."""
    fine = MaskStateClassifier(networks.fine, FINE_CROP_PX) if networks.fine else None
    return MaskReader(FaceDetector(networks.detector, min_score), MaskStateClassifier(networks.state), fine)


def verdict(path: Path, judge: Model) -> list[Found]:
    """From the file to what is found in it, as `xunshi detect` reads it, without its threads.

    Raises:
        UnreadablePicture: the file gives no picture.
    """
    return judge.read([read_to_fit(path, FIT_PX).picture])[0]


def said(found: list[Found]) -> Said:
    """What the model found in a picture, for measuring."""
    boxes = np.array([one.box for one in found], np.float64).reshape(-1, 4)
    face = np.array([one.face.score if one.face else one.score for one in found], np.float64)
    shares = np.array([_shares(one) for one in found], np.float64).reshape(-1, len(MASK_STATES))
    return Said(boxes, face, shares)


def _shares(one: Found) -> tuple[float, ...]:
    if one.face is not None and one.face.shares:
        return one.face.shares
    best = one.face.state_score if one.face else 1.0
    return tuple(best if state.value == one.label else 0.0 for state in MASK_STATES)


def clipped(one: Said, picture: Picture) -> Said:
    """Boxes end at the edges of the picture, as they are printed; labels do so, too."""
    height, width = picture.shape[:2]
    return Said(np.clip(one.boxes, 0, [width, height, width, height]), one.face, one.shares)
