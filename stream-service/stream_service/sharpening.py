"""A better picture of a face: analysed in the second stream of a camera, cut from the main one. Used by `main_stream`.

Two streams of one camera show the same moment, but it arrives up to half a second apart, and no clock of theirs can be
trusted. So the picture is chosen by what it shows: around the face it must look like the one that was analysed.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from shared_kernel.messages import Box, Face
from stream_service.evidence import Cutter, Shot
from stream_service.ports import FullFrame

#: Pictures of the main stream that arrived this much before or after the analysed one may show its moment, seconds.
WINDOW_S: Final = 0.5
#: A picture is not waited for any longer than this, seconds.
PATIENCE_S: Final = 1.0
#: Pictures are compared at this size, pixels.
_SIDE: Final = 32
#: Around the face so much is compared, as a share of its sides: the wall behind it does not move with it.
_AROUND: Final = 0.5
#: Two pictures that look less alike show different things, correlation.
MIN_ALIKE: Final = 0.6
#: What a second between two arrivals is worth: of pictures that look alike the nearer one is taken.
_PER_SECOND: Final = 0.1
#: Brightness that varies less than this, of 255, says nothing: then the time alone decides.
_FLAT: Final = 2.0


class Sharpening:
    """One face whose picture is looked for. Filled by one thread, read by another; see `evidence.Pending`."""

    def __init__(self, frame: FullFrame, face: Face, quality: float) -> None:
        self.arrived_at, self.arrived_s = frame.arrived_at, frame.arrived_s
        self.asked_s = time.monotonic()
        self._face, self._quality = face, quality
        self._region = _around(face.box)
        self._looks = _looks(frame, self._region)
        self._best: tuple[float, FullFrame] | None = None
        self._done = threading.Event()
        self._shot: Shot | None = None

    @property
    def done(self) -> bool:
        """Whether nothing more is to be expected."""
        return self._done.is_set() or time.monotonic() - self.asked_s > PATIENCE_S

    @property
    def shot(self) -> Shot | None:
        """What was found; None as long as, or because, there is nothing better."""
        return self._shot

    def consider(self, frame: FullFrame) -> None:
        """Look at a picture of the main stream."""
        apart_s = abs(frame.arrived_s - self.arrived_s)
        if apart_s > WINDOW_S:
            return
        looks = _looks(frame, self._region)
        if looks is None or self._looks is None:
            alike = MIN_ALIKE + WINDOW_S * _PER_SECOND
        else:
            alike = float((looks * self._looks).mean())
            if alike < MIN_ALIKE:
                return
        worth = alike - apart_s * _PER_SECOND
        if self._best is None or worth > self._best[0]:
            self._best = worth, frame

    def finish(self) -> None:
        """There are no further pictures: cut from the best, if it is larger than what was analysed."""
        if self._best is not None:
            self._shot = Cutter(self._best[1]).shot(self._face, self._quality)
            self._best = None
        self._done.set()


def _around(box: Box) -> Box:
    wide, high = (box.x1 - box.x0) * _AROUND, (box.y1 - box.y0) * _AROUND
    return Box(
        x0=max(0.0, box.x0 - wide),
        y0=max(0.0, box.y0 - high),
        x1=min(1.0, box.x1 + wide),
        y1=min(1.0, box.y1 + high),
    )


def _looks(frame: FullFrame, region: Box) -> NDArray[np.float32] | None:
    """Brightness of the region with mean 0 and spread 1, `_SIDE` x `_SIDE`; None when there is nothing to see."""
    x0, y0 = int(region.x0 * frame.width), int(region.y0 * frame.height)
    x1, y1 = max(x0 + 1, round(region.x1 * frame.width)), max(y0 + 1, round(region.y1 * frame.height))
    grey = frame.luma(x0, y0, x1, y1)
    if grey.size == 0:
        return None
    small = np.asarray(cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.float32)
    small -= small.mean()
    spread = float(small.std())
    return None if spread < _FLAT else small / np.float32(spread)
