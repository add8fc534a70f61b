"""Privacy masks on pictures in the decoder's own form. Before anybody else sees a pixel: nothing behind a mask leaves.

Pure with respect to its input: decoders still refer to the picture they gave.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from stream_service.zones import Polygon

#: What is seen in place of the picture: a dark grey, in YUV.
_COVER = (48, 128, 128)
#: Steps of a pixel in `cv2.fillPoly`: masks of small pictures would be coarse without.
_SHIFT = 4


class Masks:
    """The masks of one camera, drawn once for each picture size."""

    def __init__(self, polygons: Sequence[Polygon]) -> None:
        self._polygons = tuple(polygons)
        self._size = (0, 0)
        self._full: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._half = self._full

    def __bool__(self) -> bool:
        return bool(self._polygons)

    def burnt_in(self, frame: VideoFrame, width: int | None = None, height: int | None = None) -> VideoFrame:
        """A picture of its own in YUV 4:2:0, with even sides, `width` x `height` (usually the frame's), covered."""
        wide, high = (width or frame.width) & ~1, (height or frame.height) & ~1
        scaled = frame.reformat(wide, high, "yuv420p", interpolation="AREA", threads=1)
        planes = scaled.to_ndarray()  # a copy
        if self._polygons:
            self._draw(wide, high)
            np.copyto(planes[:high], _COVER[0], where=self._full)
            colours = planes.reshape(-1)[wide * high :].reshape(2, high // 2, wide // 2)
            for plane, colour in enumerate(_COVER[1:]):
                np.copyto(colours[plane], colour, where=self._half)
        made = VideoFrame.from_ndarray(planes, format="yuv420p")
        made.pts = frame.pts
        # what the numbers mean: without it full-range pictures would come out with other colours
        made.colorspace, made.color_range = scaled.colorspace, scaled.color_range
        return made

    def _draw(self, width: int, height: int) -> None:
        if self._size == (width, height):
            return
        drawn = np.zeros((height, width), np.uint8)
        scale = (width << _SHIFT, height << _SHIFT)
        for polygon in self._polygons:
            corners = np.rint(np.asarray(polygon, np.float64) * scale).astype(np.int32)
            cv2.fillPoly(drawn, [corners], 1, shift=_SHIFT)
        # a pixel more on every side: the colour of an edge is shared by four pixels, and scaling mixes neighbours
        self._full = cv2.dilate(drawn, np.ones((3, 3), np.uint8)).astype(np.bool_)
        self._half = np.asarray(self._full.reshape(height // 2, 2, width // 2, 2).any(axis=(1, 3)), np.bool_)
        self._size = (width, height)
