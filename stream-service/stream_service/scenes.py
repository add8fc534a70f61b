"""Notices that the whole picture became another one: a camera turned, a switched source, a clip that begins again.

Used by `passes`: after such a cut no face may be taken for one from before.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from stream_service.ports import FullFrame

#: A scene is another one when more than this share of the picture changed from one sampled frame to the next. Fixed
#: cameras with people close by were seen at 0.17 and less, cuts at 0.69 and more (docs/design/0005-streams.md).
MAX_CHANGED_SHARE: Final = 0.65
#: A part of the picture has changed when its brightness did by more than this, of 255, beyond that of the whole.
CHANGED_BY: Final = 12.0
_SMALL: Final = (32, 18)


class SceneWatch:
    """Compares each picture of one camera with the one before."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None

    def is_cut(self, frame: FullFrame) -> bool:
        grey = frame.luma(0, 0, frame.width, frame.height)
        now = np.asarray(cv2.resize(grey, _SMALL, interpolation=cv2.INTER_AREA), np.float32)
        before, self._before = self._before, now
        if before is None:
            return False
        change = now - before
        change -= np.median(change)  # brighter as a whole is no other scene
        return float((np.abs(change) > CHANGED_BY).mean()) > MAX_CHANGED_SHARE
