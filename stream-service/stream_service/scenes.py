"""Notices that the whole picture became another one: a camera turned, a switched source, a clip that begins again.

Used by `passes`: after such a cut no face may be taken for one from before.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from stream_service.ports import FullFrame

#: Pictures whose small versions correlate less than this are different scenes. Fixed cameras with people close by were
#: seen at 0.75 and more, cuts at 0.54 and less (docs/design/0005-streams.md).
MIN_CORRELATION: Final = 0.5
_SMALL: Final = (32, 18)
#: Below this contrast a picture is blank and proves nothing.
_MIN_NORM: Final = 1.0


class SceneWatch:
    """Compares each picture of one camera with the one before."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None

    def is_cut(self, frame: FullFrame) -> bool:
        small = cv2.resize(frame.luma(0, 0, frame.width, frame.height), _SMALL, interpolation=cv2.INTER_AREA)
        now = np.asarray(small, np.float32) - np.float32(small.mean())  # brighter as a whole is no other scene
        norm = float(np.linalg.norm(now))
        if norm < _MIN_NORM:
            return False
        now /= norm
        before, self._before = self._before, now
        return before is not None and float((before * now).sum()) < MIN_CORRELATION
