"""Brings pictures to other sizes: as fast as without a filter, as clean as with one.

OpenCV averages areas fast only where the factor is a whole number, and slowly elsewhere (1080p to 704 x 384: 8.6 ms
against 1.4 ms this way).
"""

import cv2
import numpy as np

from shared_kernel.vision.ports import Picture

#: Shrinking by up to this factor by linear interpolation leaves nothing out.
MAX_LINEAR_SHRINK = 2.0


def resized(picture: Picture, width: int, height: int) -> Picture:
    """Give the picture at another size.

    Args:
        picture: H x W x 3 uint8.
        width: pixels.
        height: pixels.
    """
    factor = min(picture.shape[1] // width, picture.shape[0] // height)
    smaller = reduced(picture, factor) if factor >= MAX_LINEAR_SHRINK else picture
    return np.asarray(cv2.resize(smaller, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def fitted(picture: Picture, side_px: int) -> Picture:
    """Give the picture, H x W x 3 uint8, no longer than `side_px` pixels on either side."""
    height, width = picture.shape[:2]
    scale = side_px / max(height, width)
    return picture if scale >= 1 else resized(picture, max(1, round(width * scale)), max(1, round(height * scale)))


def reduced(picture: Picture, factor: int) -> Picture:
    """Average squares of `factor` x `factor` pixels; up to `factor - 1` columns and rows at the far edges are left out.

    Args:
        picture: H x W x 3 uint8, both sides at least `factor`.
        factor: whole number from 1 on.
    """
    height, width = (side // factor * factor for side in picture.shape[:2])
    size = width // factor, height // factor
    return np.asarray(cv2.resize(picture[:height, :width], size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
