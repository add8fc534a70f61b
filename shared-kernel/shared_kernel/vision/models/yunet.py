"""The face detector: a picture in, faces with five landmarks out.

The network is YuNet (MIT licence; Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", 2023) with weights that
`training` fine-tuned on faces in masks. Runs through any `Session`; the decoding of its twelve outputs is ours. Its
neighbour `align` takes the landmarks on.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.models.batch import run_in_batches
from shared_kernel.vision.models.overlap import keep_distinct
from shared_kernel.vision.models.resize import resized
from shared_kernel.vision.ports import Picture, Session
from shared_kernel.vision.rules import MAX_FACE_OVERLAP, MAX_FACES, MIN_FACE_SCORE, DetectedFace

#: Cell sizes of the three grids, in pixels of the network's input.
STRIDES_PX = (8, 16, 32)

#: Pictures of any form are brought to about this many pixels, so that each costs the same: 544 x 416, 608 x 352.
AREA_PX = 216_000

#: No picture is enlarged by more: a face that fills it would be larger than any the network was trained with.
MAX_ENLARGED = 1.65

#: The network needs sides that are multiples of this.
SIDE_STEP_PX = 32

#: A picture is stretched to such sides when that changes its shape by no more than this share; else it gets a border.
MAX_STRETCH = 0.06

#: The network is surer of tiny faces than it is right: a score counts by 1 - exp(-side / SMALL_PX), side in pixels of
#: its input: 0.71 at 10 px, 0.92 at 20, 0.99 at 40. See docs/design/0002 for what it brings.
SMALL_PX = 8.0


class Fitted(NamedTuple):
    """A picture as the network reads it.

    Attributes:
        inputs: 1 x 3 x H x W uint8, blue-green-red.
        scale: input pixels per picture pixel, across and down.
    """

    inputs: NDArray[np.uint8]
    scale: tuple[float, float]


class FaceDetector:
    """Finds faces in pictures."""

    def __init__(
        self, session: Session, min_score: float = MIN_FACE_SCORE, area_px: int = AREA_PX, *, batch: int = 1
    ) -> None:
        """Take a ready session.

        Args:
            session: the network, 1 x 3 x H x W in, the outputs cls, obj, bbox, kps for each of the strides out.
            min_score: 0..1; lowering it finds more faces and more that are none.
            area_px: pixels to which a picture is brought; raising it finds smaller faces, and costs as much more time.
            batch: pictures of the same form that go through the network at once; on a CPU more than one bring nothing.
        """
        self._session = session
        self._min_score = min_score
        self._area_px = area_px
        self._batch = batch

    def detect(self, picture: Picture) -> list[DetectedFace]:
        """Find the faces of one picture.

        Args:
            picture: H x W x 3 uint8, blue-green-red.

        Returns:
            Faces in pixels of `picture`, best score first.
        """
        return self.detect_all([picture])[0]

    def detect_all(self, pictures: Sequence[Picture]) -> list[list[DetectedFace]]:
        """Find the faces of several pictures; see `detect`."""
        fitted = [fit(picture, self._area_px) for picture in pictures]
        answers = run_in_batches(self._session, [one.inputs for one in fitted], self._batch)
        return [self._faces(outputs, one) for outputs, one in zip(answers, fitted, strict=True)]

    def _faces(self, outputs: tuple[NDArray[np.float32], ...], fitted: Fitted) -> list[DetectedFace]:
        boxes, landmarks, scores = decode(outputs, fitted.inputs.shape[2:], self._min_score)
        scores = doubted(boxes, scores)
        sure = scores >= self._min_score
        boxes, landmarks, scores = boxes[sure], landmarks[sure], scores[sure]
        kept = keep_distinct(boxes, scores, MAX_FACE_OVERLAP, MAX_FACES)
        scale = np.array(fitted.scale, np.float32)
        landmarks = landmarks[kept] / scale
        rows = zip((boxes[kept] / np.tile(scale, 2)).tolist(), landmarks, scores[kept].tolist(), strict=True)
        return [DetectedFace((x0, y0, x1, y1), points, score) for (x0, y0, x1, y1), points, score in rows]


def doubted(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lower the scores (N, 0..1) of faces of few pixels; see SMALL_PX. Boxes N x 4 in input pixels."""
    sides = np.sqrt(np.clip((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 0, None))
    return np.asarray(scores * (1 - np.exp(-sides / SMALL_PX)), dtype=np.float32)


def fit(picture: Picture, area_px: int) -> Fitted:
    """Bring a picture to the network's size: rectangular, stretched a little or with black at the right and below."""
    height, width = picture.shape[:2]
    scale = min(MAX_ENLARGED, math.sqrt(area_px / (height * width)))
    (new_width, full_width), (new_height, full_height) = (_fitted_side(side * scale) for side in (width, height))
    pixels = resized(picture, new_width, new_height)
    if (new_width, new_height) != (full_width, full_height):
        below, beside = full_height - new_height, full_width - new_width
        pixels = np.asarray(cv2.copyMakeBorder(pixels, 0, below, 0, beside, cv2.BORDER_CONSTANT), dtype=np.uint8)
    # A view: the session takes pixels as they lie in memory.
    return Fitted(pixels[None].transpose(0, 3, 1, 2), (new_width / width, new_height / height))


def _fitted_side(side_px: float) -> tuple[int, int]:
    """Give the pixels that the picture takes on this side, and those that the network reads."""
    nearest = max(SIDE_STEP_PX, round(side_px / SIDE_STEP_PX) * SIDE_STEP_PX)
    if abs(nearest - side_px) <= MAX_STRETCH * side_px:
        return nearest, nearest
    taken = max(1, round(side_px))
    return taken, -(-taken // SIDE_STEP_PX) * SIDE_STEP_PX


def decode(
    outputs: tuple[NDArray[np.float32], ...], input_size: tuple[int, ...], min_score: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Turn the network's grids into boxes; a cell (x, y) of stride s speaks for the point (x * s, y * s).

    Args:
        outputs: twelve arrays 1 x cells x values: cls, obj, bbox, kps, each for the strides 8, 16, 32.
        input_size: height and width of the network's input.
        min_score: cells below are left out.

    Returns:
        Boxes N x 4, landmarks N x 5 x 2 (both in input pixels) and scores N, all float32, unordered.
    """
    found = []
    least = min_score * min_score
    for index, stride in enumerate(STRIDES_PX):
        cls, obj, bbox, kps = (outputs[index + 3 * kind][0] for kind in range(4))
        square = cls[:, 0] * obj[:, 0]
        cells = np.flatnonzero(square >= least)
        if not cells.size:
            continue
        columns = input_size[1] // stride
        corner = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
        centre = (corner + bbox[cells, :2]) * stride
        half = np.exp(bbox[cells, 2:]) * (stride / 2)
        points = (kps[cells].reshape(-1, 5, 2) + corner[:, None]) * stride
        score = np.sqrt(np.clip(square[cells], 0, 1))
        found.append((np.concatenate([centre - half, centre + half], axis=1), points, score))
    if not found:
        return np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros(0, np.float32)
    boxes, landmarks, scores = (np.concatenate(part).astype(np.float32) for part in zip(*found, strict=True))
    return boxes, landmarks, scores
