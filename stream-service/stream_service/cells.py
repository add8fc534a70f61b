"""A picture as a few cells of brightness: what `motion` and `scenes` compare. Whoever decodes makes them, once."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

#: Columns and rows: a cell is 20 pixels of a 1080p picture, about a head far away.
GRID: Final = (96, 54)
#: The mean brightness of each cell, 54 x 96 float32, 0..255.
Cells = NDArray[np.float32]


def cells_of(luma: NDArray[np.uint8]) -> Cells:
    """The cells of a picture's brightness, H x W uint8."""
    return np.asarray(cv2.resize(luma, GRID, interpolation=cv2.INTER_AREA), np.float32)


def change(before: Cells, now: Cells) -> Cells:
    """How much brighter each cell became than the picture as a whole: a cloud or a lamp changes nothing."""
    changed = now - before
    return np.asarray(changed - np.median(changed), np.float32)
