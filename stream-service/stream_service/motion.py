"""Whether something moves in the picture of a fixed camera. Used by `gate` on the pictures that are looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from stream_service.cells import GRID, Cells, change
from stream_service.ports import FullFrame
from stream_service.zones import Zone, counts

#: A cell has changed when its brightness did by more than this, of 255, beyond that of the whole picture. The noise of
#: a sensor in the dark stays below: a cell is the mean of hundreds of pixels.
CHANGED_BY: Final = 5.0
#: So many changed cells are motion.
MIN_CELLS: Final = 2
#: Share of each new picture in the remembered one: light that changes over minutes is no motion.
_GAIN: Final = 0.3


#: Gives the zones as they are now.
Zones = Callable[[], tuple[Zone, ...]]


class MotionWatch:
    """Compares each picture of one camera with a running mean of those before. Not thread safe.

    What moves only where people do not count wakes nobody: a street behind a fence, a screen, a tree.
    """

    def __init__(self, zones: Zones = tuple) -> None:
        self._zones = zones
        self._prepared: tuple[Zone, ...] = ()
        self._watched: NDArray[np.bool_] | None = None
        self._mean: Cells | None = None

    def moved(self, frame: FullFrame) -> bool:
        """Say whether a part of the picture changed; the first picture is no motion."""
        now, mean = frame.cells(), self._mean
        if mean is None:
            self._mean = now
            return False
        self._mean = mean + _GAIN * (now - mean)
        changed = np.abs(change(mean, now)) > CHANGED_BY
        watched = self._watched_now()
        return int((changed if watched is None else changed & watched).sum()) >= MIN_CELLS

    def _watched_now(self) -> NDArray[np.bool_] | None:
        """The cells that matter, None for all. People change zones while the camera runs."""
        zones = self._zones()
        if zones is not self._prepared:
            self._prepared, self._watched = zones, _watched(zones) if zones else None
        return self._watched


def _watched(zones: Sequence[Zone]) -> NDArray[np.bool_]:
    """The cells with a place in them, or beside them, where a face counts."""
    wide, high = GRID
    across, down = np.linspace(0.0, 1.0, wide + 1), np.linspace(0.0, 1.0, high + 1)
    corners = np.array([[counts(zones, float(x), float(y)) for x in across] for y in down], np.uint8)
    near = np.asarray(cv2.dilate(corners, np.ones((3, 3), np.uint8)), np.bool_)
    return near[:-1, :-1] | near[1:, 1:]
