"""From a face in a picture to the upright 112 x 112 picture that networks for face vectors are trained on.

`landmarks` gives the points, `embedding` takes the pictures. All well-known networks want the same five places
(those of ArcFace): without them SFace loses a quarter of what it knows.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from face_search.ports import Picture
from shared_kernel.vision.models.align import crop_face, crop_transform

#: Side of an upright face, pixels.
UPRIGHT_PX: Final = 112

#: Where the landmarks come to lie, as fractions of the side; their order stands in `DetectedFace`.
PLACES: Final = np.asarray(
    np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)])
    / UPRIGHT_PX,
    np.float32,
)

Box = tuple[float, float, float, float]


def upright(picture: Picture, landmarks: NDArray[np.float32]) -> Picture:
    """Cut a face out, turned and scaled so that its landmarks lie at PLACES.

    Args:
        picture: H x W x 3 uint8, blue-green-red.
        landmarks: 5 x 2 float32, pixels of the picture.

    Returns:
        112 x 112 x 3 uint8, blue-green-red; what lies beyond the picture repeats its edge.
    """
    return crop_face(picture, crop_transform(landmarks, UPRIGHT_PX, PLACES), UPRIGHT_PX)


def portrait(picture: Picture, box: Box, margin: float, longest_px: int) -> Picture:
    """Cut a face out for people to look at.

    Args:
        picture: H x W x 3 uint8.
        box: x0, y0, x1, y1 in pixels; may reach beyond the picture.
        margin: surroundings on each side, as a share of the box's longer side.
        longest_px: a larger portrait is made so small.

    Returns:
        A picture of its own memory, at least one pixel.
    """
    height, width = picture.shape[:2]
    more = margin * max(box[2] - box[0], box[3] - box[1])
    x0, y0 = (int(np.clip(low - more, 0, side - 1)) for low, side in zip(box[:2], (width, height), strict=True))
    x1, y1 = (
        int(np.clip(np.ceil(high + more), low + 1, side))
        for high, low, side in zip(box[2:], (x0, y0), (width, height), strict=True)
    )
    cut = picture[y0:y1, x0:x1]
    share = longest_px / max(cut.shape[:2])
    if share >= 1:
        return cut.copy()
    size = max(1, round(cut.shape[1] * share)), max(1, round(cut.shape[0] * share))
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)
