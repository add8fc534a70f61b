"""The pictures that prove a pass: a padded face and the scene around it, cut from the full frame of the best sighting.

Best is sharp, large, certain, and turned to the camera. Used by `passes`; storing is the outbox's work.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import cv2
import numpy as np

from shared_kernel.messages import Box, Evidence, Face
from stream_service.ports import FullFrame

#: Added around a face on each side, as a share of its side.
PADDING: Final = 0.45
#: Long side of a scene, pixels.
SCENE_SIDE: Final = 1280
JPEG_QUALITY: Final = 85
#: A new picture must be better by this factor, so that equal ones are not cut again and again.
BETTER_BY: Final = 1.25
#: Beyond this a larger face proves nothing more, pixels.
_ENOUGH_PX: Final = 200.0
_SHARPNESS_SIDE: Final = 64
#: What a face seen from the side is worth beside one that looks into the camera.
_PROFILE: Final = 0.4


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG with its size in pixels."""

    jpeg: bytes
    width: int
    height: int

    def as_evidence(self, key: str) -> Evidence:
        return Evidence(key=key, width=self.width, height=self.height, bytes=len(self.jpeg))


class Pending(Protocol):
    """A better picture of the same sighting that is being looked for."""

    @property
    def done(self) -> bool: ...
    @property
    def shot(self) -> Shot | None: ...


#: Looks for a better picture of a face than that of the frame; the number is the quality. None when there can be none.
Sharpen = Callable[[FullFrame, Face, float], Pending | None]


@dataclass(frozen=True, slots=True)
class Shot:
    """The evidence of one sighting. `pending` is a better one that may come."""

    quality: float
    box: Box
    face: Picture
    scene: Picture
    pending: Pending | None = None

    def best(self) -> Shot:
        """The better one if it has come."""
        return (self.pending.shot if self.pending else None) or self


class Cutter:
    """Cuts shots from one full frame; the scene is made once for all faces in it."""

    def __init__(self, frame: FullFrame, sharpen: Sharpen | None = None) -> None:
        self._frame, self._sharpen = frame, sharpen
        self._scene: Picture | None = None

    def quality(self, face: Face) -> float:
        """How good a picture of this face would be: root of sharpness x size x score x pose. 0 when it has no area."""
        x0, y0, x1, y1 = _pixels(face.box, self._frame, padding=0.0)
        if x1 - x0 < 2 or y1 - y0 < 2:  # noqa: PLR2004 - nothing to see in one pixel
            return 0.0
        grey = cv2.resize(
            self._frame.luma(x0, y0, x1, y1), (_SHARPNESS_SIDE, _SHARPNESS_SIDE), interpolation=cv2.INTER_AREA
        )
        sharpness = float(cv2.Laplacian(grey, cv2.CV_32F).var())
        size = min(math.sqrt((x1 - x0) * (y1 - y0)), _ENOUGH_PX)
        return math.sqrt(sharpness + 1.0) * size * face.score * self._frontal(face)

    def _frontal(self, face: Face) -> float:
        """How far a face looks into the camera: 1, down to `_PROFILE` when its nose lies as far out as an eye."""
        if len(face.landmarks) < 3:  # noqa: PLR2004 - two eyes and the nose
            return 1.0
        (rx, ry), (lx, ly), (nx, ny) = ((x * self._frame.width, y * self._frame.height) for x, y in face.landmarks[:3])
        across_x, across_y = lx - rx, ly - ry
        apart = across_x * across_x + across_y * across_y
        if apart < 1.0:
            return _PROFILE
        # where the nose is on the line between the eyes: 0 at the right one, 1 at the left one; a tilted head is level
        along = ((nx - rx) * across_x + (ny - ry) * across_y) / apart
        return max(_PROFILE, 1.0 - (1.0 - _PROFILE) * min(1.0, 2.0 * abs(along - 0.5)))

    def shot(self, face: Face, quality: float) -> Shot:
        """Cut and encode."""
        x0, y0, x1, y1 = _pixels(face.box, self._frame, padding=PADDING)
        crop = np.ascontiguousarray(self._frame.pixels()[y0:y1, x0:x1])
        jpeg = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
        pending = self._sharpen(self._frame, face, quality) if self._sharpen else None
        return Shot(quality, face.box, Picture(jpeg, x1 - x0, y1 - y0), self._whole(), pending)

    def _whole(self) -> Picture:
        if self._scene is None:
            jpeg = self._frame.small_jpeg(SCENE_SIDE, JPEG_QUALITY)
            scale = min(1.0, SCENE_SIDE / max(self._frame.width, self._frame.height))
            width, height = max(2, round(self._frame.width * scale)), max(2, round(self._frame.height * scale))
            self._scene = Picture(jpeg, width, height)
        return self._scene


def keys(pass_id: str, opened_at: datetime, number: int) -> tuple[str, str]:
    """Object keys of the face and the scene. A better picture gets the next number: nothing is overwritten."""
    folder = f"evidence/{opened_at:%Y/%m/%d}/{pass_id}"
    return f"{folder}/face-{number}.jpg", f"{folder}/scene-{number}.jpg"


def _pixels(box: Box, frame: FullFrame, *, padding: float) -> tuple[int, int, int, int]:
    """`box`, larger by `padding` of its sides, in whole pixels inside the frame; at least 1 x 1."""
    wide, high = (box.x1 - box.x0) * padding, (box.y1 - box.y0) * padding
    x0 = min(max(0, math.floor((box.x0 - wide) * frame.width)), frame.width - 1)
    y0 = min(max(0, math.floor((box.y0 - high) * frame.height)), frame.height - 1)
    x1 = max(x0 + 1, min(frame.width, math.ceil((box.x1 + wide) * frame.width)))
    y1 = max(y0 + 1, min(frame.height, math.ceil((box.y1 + high) * frame.height)))
    return x0, y0, x1, y1
