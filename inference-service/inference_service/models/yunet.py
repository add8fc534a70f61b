"""The face detector YuNet (MIT licence): a picture in, faces with five landmarks out.

Runs through any `Session`; the decoding of the twelve outputs is ours. Its neighbour `align` takes the landmarks on.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_service.models.overlap import keep_distinct
from inference_service.ports import Picture, Session
from inference_service.rules import MAX_FACE_OVERLAP, MAX_FACES, MIN_FACE_SCORE, DetectedFace

#: Cell sizes of the three grids, in pixels of the network's input.
STRIDES_PX = (8, 16, 32)

#: The longer side of a picture is brought to this many pixels.
LONG_SIDE_PX = 640

#: When nothing is found the picture is tried again at this size: YuNet was trained for faces of about 10 to 300 px,
#: so a face that fills the picture is only found in the smaller copy.
SECOND_LONG_SIDE_PX = 320

#: The network needs sides that are multiples of 32; 64 keeps the number of distinct shapes small.
SIDE_STEP_PX = 64

#: YuNet draws boxes from the hairline to the lips of a mask; people who label faces draw them from the brows to the
#: chin. Both edges go down by these shares of the height: on each of four sources of labels the overlap grows by it.
TOP_DOWN, BOTTOM_DOWN = 0.09, 0.05


class FaceDetector:
    """Finds faces in one picture at a time (batches bring this network no speed on a CPU)."""

    def __init__(self, session: Session, min_score: float = MIN_FACE_SCORE, long_side_px: int = LONG_SIDE_PX) -> None:
        """Take a ready session.

        Args:
            session: YuNet 2023mar, 1 x 3 x H x W in, the outputs cls, obj, bbox, kps for each of the strides out.
            min_score: 0..1; lowering it finds more faces and more that are none.
            long_side_px: size at which the picture is searched first; raising it finds smaller faces, slower.
        """
        self._session = session
        self._min_score = min_score
        self._long_side_px = long_side_px

    def detect(self, picture: Picture) -> list[DetectedFace]:
        """Find the faces of one picture.

        Args:
            picture: H x W x 3 uint8, blue-green-red.

        Returns:
            Faces in pixels of `picture`, best score first.
        """
        faces = self._detect_at(picture, self._long_side_px)
        if not faces and self._long_side_px > SECOND_LONG_SIDE_PX:
            faces = self._detect_at(picture, SECOND_LONG_SIDE_PX)
        return faces

    def _detect_at(self, picture: Picture, long_side_px: int) -> list[DetectedFace]:
        inputs, scale = letterbox(picture, long_side_px)
        boxes, landmarks, scores = decode(self._session.run(inputs), inputs.shape[2:], self._min_score)
        kept = keep_distinct(boxes, scores, MAX_FACE_OVERLAP, MAX_FACES)
        boxes, landmarks = brows_to_chin(boxes[kept] / scale), landmarks[kept] / scale
        return [
            DetectedFace((float(b[0]), float(b[1]), float(b[2]), float(b[3])), points, float(score))
            for b, points, score in zip(boxes, landmarks, scores[kept], strict=True)
        ]


def letterbox(picture: Picture, long_side_px: int) -> tuple[NDArray[np.float32], float]:
    """Bring a picture to the network's size, black at the right and at the bottom.

    Returns:
        The input, 1 x 3 x H x W float32 0..255 blue-green-red, and the scale (input pixels per picture pixel).
    """
    height, width = picture.shape[:2]
    scale = long_side_px / max(height, width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    shrinks = scale < 1
    resized = cv2.resize(
        picture, (new_width, new_height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    padded_height = -(-new_height // SIDE_STEP_PX) * SIDE_STEP_PX
    padded_width = -(-new_width // SIDE_STEP_PX) * SIDE_STEP_PX
    inputs = np.zeros((1, 3, padded_height, padded_width), dtype=np.float32)
    inputs[0, :, :new_height, :new_width] = resized.transpose(2, 0, 1)
    return inputs, scale


def brows_to_chin(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fit boxes N x 4 to the part of the face that people label; see TOP_DOWN."""
    height = boxes[:, 3] - boxes[:, 1]
    fitted = boxes.copy()
    fitted[:, 1] += TOP_DOWN * height
    fitted[:, 3] += BOTTOM_DOWN * height
    return fitted


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
    boxes, landmarks, scores = [], [], []
    for index, stride in enumerate(STRIDES_PX):
        cls, obj, bbox, kps = (outputs[index + 3 * kind][0] for kind in range(4))
        score = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
        cells = np.flatnonzero(score >= min_score)
        columns = input_size[1] // stride
        corner = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
        centre = (corner + bbox[cells, :2]) * stride
        half = np.exp(bbox[cells, 2:]) * (stride / 2)
        boxes.append(np.concatenate([centre - half, centre + half], axis=1))
        landmarks.append((kps[cells].reshape(-1, 5, 2) + corner[:, None]) * stride)
        scores.append(score[cells])
    return (
        np.concatenate(boxes).astype(np.float32),
        np.concatenate(landmarks).astype(np.float32),
        np.concatenate(scores).astype(np.float32),
    )
