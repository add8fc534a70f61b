"""Notices that the whole picture became another one: a camera turned, a switched source, a clip that begins again.

Used by `passes`: after such a cut no face may be taken for one from before.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from stream_service.cells import GRID, Cells, change
from stream_service.ports import FullFrame

#: A scene is another one when more than this share of the picture changed from one sampled frame to the next. Fixed
#: cameras with people close by were seen at 0.17 and less, cuts at 0.69 and more (docs/design/0005-streams.md).
MAX_CHANGED_SHARE: Final = 0.65
#: A part of the picture has changed when its brightness did by more than this, of 255, beyond that of the whole.
CHANGED_BY: Final = 12.0
#: A part is so many cells each way.
_CELLS: Final = 3
_WIDE, _HIGH = GRID[0] // _CELLS, GRID[1] // _CELLS


class SceneWatch:
    """Compares each picture of one camera with the one before."""

    def __init__(self) -> None:
        self._before: Cells | None = None

    def is_cut(self, frame: FullFrame) -> bool:
        now = frame.cells().reshape(_HIGH, _CELLS, _WIDE, _CELLS).mean(axis=(1, 3))
        before, self._before = self._before, now
        if before is None:
            return False
        return float((np.abs(change(before, now)) > CHANGED_BY).mean()) > MAX_CHANGED_SHARE
