"""Full frames that wait for their analysis, and the newest one. Between `capture` (puts) and `follow` (takes).

A frame leaves when its analysis came, when it is too old, or when memory is short; in the last two cases it counts as
skipped: that is how a slow or absent inference service becomes visible.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from stream_service.ports import FullFrame

#: Bytes of a pixel in the decoder's form, YUV 4:2:0.
_BYTES_PER_PIXEL = 1.5


class FrameRing:
    """Bounded in time and memory. Thread safe. `analysed` counts frames whose analysis came, `skipped` the others."""

    def __init__(self, *, seconds: float, megabytes: int) -> None:
        self._seconds = seconds
        self._max_bytes = megabytes * 1024 * 1024
        self._bytes = 0.0
        self._frames: OrderedDict[str, FullFrame] = OrderedDict()
        self._newest: FullFrame | None = None
        self._skipped = 0
        self.analysed = 0
        self._lock = threading.Lock()

    def put(self, frame_id: str, frame: FullFrame) -> None:
        with self._lock:
            self._frames[frame_id] = frame
            self._bytes += _size(frame)
            while self._bytes > self._max_bytes and len(self._frames) > 1:
                self._drop_oldest()
            self._drop_old()

    def take(self, frame_id: str) -> FullFrame | None:
        """The frame, whose analysis has come; None when it is gone already."""
        with self._lock:
            frame = self._frames.pop(frame_id, None)
            if frame is not None:
                self._bytes -= _size(frame)
                self.analysed += 1
            return frame

    def show(self, frame: FullFrame | None) -> None:
        """Keep the newest frame, sampled or not; None when the camera is gone, so that no old picture is shown."""
        with self._lock:
            self._newest = frame

    def newest(self) -> FullFrame | None:
        with self._lock:
            return self._newest

    @property
    def skipped(self) -> int:
        with self._lock:
            self._drop_old()
            return self._skipped

    def _drop_old(self) -> None:
        limit_s = time.monotonic() - self._seconds
        while self._frames and next(iter(self._frames.values())).arrived_s < limit_s:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, frame = self._frames.popitem(last=False)
        self._bytes -= _size(frame)
        self._skipped += 1


def _size(frame: FullFrame) -> float:
    return frame.width * frame.height * _BYTES_PER_PIXEL
