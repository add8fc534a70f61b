"""Pixels into the files that we keep. `pictures.decode_frame` reads them again; strangers' files are another matter."""

from typing import Final

import cv2
import numpy as np

from shared_kernel.vision.ports import Picture

#: What people hardly tell from the original, 0..100.
JPEG_QUALITY: Final = 90


def jpeg(picture: Picture, quality: int = JPEG_QUALITY) -> bytes:
    """Encode a picture for people.

    Raises:
        ValueError: it cannot be written as JPEG: no pixels, or a side beyond 65,535 of them.
    """
    return _encoded(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])


def png(picture: Picture) -> bytes:
    """Encode a picture of which every pixel counts.

    Raises:
        ValueError: it cannot be written as PNG: no pixels.
    """
    return _encoded(".png", picture, [])


def _encoded(suffix: str, picture: Picture, settings: list[int]) -> bytes:
    try:
        done, data = cv2.imencode(suffix, np.ascontiguousarray(picture), settings)
    except cv2.error:
        done = False
    if not done:
        raise ValueError(f"picture of shape {picture.shape}: expected one that can be written as {suffix}")
    return data.tobytes()
