"""From a face in a picture to the upright crop that the mask state network reads.

The crop shows the face from above the brows to below the chin with both cheeks, so that a mask that hangs under the
chin is still in it. `yunet` gives the landmarks, `mask_state` takes the crops.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.models.resize import MAX_LINEAR_SHRINK, reduced
from shared_kernel.vision.ports import Picture

#: Side of the square crop.
CROP_PX = 64

#: Where the five landmarks come to lie in the crop, as fractions of its side.
LANDMARK_PLACES = np.array(
    [[0.3672, 0.3229], [0.6313, 0.3215], [0.5000, 0.4731], [0.3915, 0.6277], [0.6063, 0.6261]], dtype=np.float32
)


def crop_transform(
    landmarks: NDArray[np.float32], crop_px: int = CROP_PX, places: NDArray[np.float32] = LANDMARK_PLACES
) -> NDArray[np.float32]:
    """Find the turn, shift and scale that bring the landmarks closest to their places (least squares).

    Args:
        landmarks: 5 x 2 float32 in picture pixels, as in `DetectedFace`.
        crop_px: side of the crop.
        places: 5 x 2 float32, where they are wanted, as fractions of that side.

    Returns:
        2 x 3 float32, from picture pixels to crop pixels.
    """
    points = landmarks.astype(np.float64)
    wanted = places.astype(np.float64) * crop_px
    point_centre, place_centre = points.mean(axis=0), wanted.mean(axis=0)
    spread, target = points - point_centre, wanted - place_centre
    norm = max(float((spread**2).sum()), 1e-6)
    cosine = float((spread * target).sum()) / norm
    sine = float((spread[:, 0] * target[:, 1] - spread[:, 1] * target[:, 0]).sum()) / norm
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.concatenate([turn, (place_centre - turn @ point_centre)[:, None]], axis=1).astype(np.float32)


def crop_face(picture: Picture, transform: NDArray[np.float32], crop_px: int = CROP_PX) -> Picture:
    """Cut the crop out; what lies beyond the picture repeats its edge.

    Args:
        picture: H x W x 3 uint8, blue-green-red.
        transform: 2 x 3 from `crop_transform`.
        crop_px: side of the crop.

    Returns:
        crop_px x crop_px x 3 uint8, blue-green-red.
    """
    shrink = 1 / max(float(np.hypot(transform[0, 0], transform[1, 0])), 1e-6)
    if shrink >= MAX_LINEAR_SHRINK:
        picture, transform = _reduced(picture, transform, int(shrink), crop_px)
    return np.asarray(
        cv2.warpAffine(picture, transform, (crop_px, crop_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        dtype=np.uint8,
    )


def _reduced(
    picture: Picture, transform: NDArray[np.float32], factor: int, crop_px: int
) -> tuple[Picture, NDArray[np.float32]]:
    """Reduce the part of the picture around the crop to about the crop's own resolution."""
    inverse = cv2.invertAffineTransform(transform)
    corners = np.array([[0, 0, 1], [crop_px, 0, 1], [0, crop_px, 1], [crop_px, crop_px, 1]], dtype=np.float32)
    reach = corners @ inverse.T
    height, width = picture.shape[:2]
    x0, y0 = np.clip(np.floor(reach.min(axis=0)), 0, [max(0, width - factor), max(0, height - factor)]).astype(int)
    x1, y1 = np.clip(np.ceil(reach.max(axis=0)) + factor, [x0 + factor, y0 + factor], [width, height]).astype(int)
    if min(x1 - x0, y1 - y0) < factor:
        return picture, transform
    small = reduced(picture[y0:y1, x0:x1], factor)
    moved = transform.astype(np.float64)
    # A pixel's centre is at +0.5, which the reduction scales too.
    moved[:, 2] += moved[:, :2] @ (np.array([x0, y0]) + 0.5 * factor - 0.5)
    moved[:, :2] *= factor
    return small, moved.astype(np.float32)
