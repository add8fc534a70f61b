"""Faces drawn by code, good enough that the detector finds them and the mask state network judges them rightly.

No picture of a person has to be kept in the repository, and a test knows exactly where each face is and what it wears.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

#: Blue-green-red.
_BACKGROUND = (120, 130, 120)
_SHIRT, _HAIR, _EYE, _BROW, _LIPS = (90, 60, 40), (30, 40, 50), (40, 50, 60), (40, 50, 70), (90, 90, 190)
_MASK, _FOLD = (222, 196, 150), (196, 168, 122)

#: The drawing is 160 units high from the hair to the chin, around a point between eyes and nose.
_UNITS = 160

#: Where a mask begins, in units below that point: over the nose, under the nose, under the lips.
_MASK_TOP = {"with_mask": -2, "mask_worn_incorrectly": 30}


@dataclass(frozen=True)
class DrawnFace:
    """One face of a picture.

    Attributes:
        x: middle of the face, pixels.
        y: middle of the face, pixels.
        height_px: from the hair to the chin.
        state: `with_mask`, `without_mask` or `mask_worn_incorrectly` (nose bare).
        skin: blue-green-red.
    """

    x: float
    y: float
    height_px: float = 160
    state: str = "without_mask"
    skin: tuple[int, int, int] = (150, 180, 225)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """About the box that a detector gives: x0, y0, x1, y1 in pixels."""
        unit = self.height_px / _UNITS
        return self.x - 60 * unit, self.y - 72 * unit, self.x + 60 * unit, self.y + 84 * unit


def scene(*faces: DrawnFace, width: int = 640, height: int = 480) -> Picture:
    """A picture with these faces: height x width x 3 uint8, blue-green-red."""
    picture: Picture = np.full((height, width, 3), _BACKGROUND, np.uint8)
    for face in faces:
        _draw(picture, face)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8), dtype=np.uint8)


def jpeg(picture: Picture, quality: int = 90) -> bytes:
    """The picture as a JPEG."""
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _draw(picture: Picture, face: DrawnFace) -> None:
    pen = _Pen(picture, face)
    shade = tuple(round(value * 0.85) for value in face.skin)
    dark = tuple(round(value * 0.7) for value in face.skin)
    pen.ellipse(0, 120, 110, 50, _SHIRT)
    pen.polygon([(-25, 60), (25, 60), (25, 110), (-25, 110)], shade)
    pen.ellipse(0, -15, 70, 88, _HAIR)
    pen.ellipse(0, 5, 60, 80, face.skin)
    for side in (-1, 1):
        pen.ellipse(side * 25, -12, 12, 7, (245, 245, 245))
        pen.ellipse(side * 25, -12, 6, 6, _EYE)
        pen.arc((side * 25, -28), (16, 5), (180, 360), _BROW)
    pen.arc((0, 18), (9, 6), (0, 180), dark)
    pen.line((-4, -8), (-7, 15), shade, 2)
    pen.ellipse(0, 46, 24, 8, _LIPS)
    pen.line((-22, 46), (22, 46), (60, 60, 120), 2)
    if face.state in _MASK_TOP:
        _draw_mask(pen, _MASK_TOP[face.state])


def _draw_mask(pen: _Pen, top: float) -> None:
    for side in (-1, 1):
        pen.line((side * 52, top + 14), (side * 66, -8), (235, 235, 235), 2)
        pen.line((side * 46, 62), (side * 66, 4), (235, 235, 235), 2)
    right: list[tuple[float, float]] = [(0, top), (30, top + 6), (56, top + 14), (55, 45), (42, 70), (22, 86), (0, 90)]
    pen.polygon(right + [(-x, y) for x, y in reversed(right[1:-1])], _MASK)
    for fold in (0.35, 0.55, 0.75):
        y = top + (90 - top) * fold
        pen.line((-40, y), (40, y), _FOLD, 2)


class _Pen:
    """Draws in the face's own units."""

    def __init__(self, picture: Picture, face: DrawnFace) -> None:
        self._picture, self._face, self._unit = picture, face, face.height_px / _UNITS

    def ellipse(self, x: float, y: float, across: float, down: float, colour: Any) -> None:
        axes = self._length(across), self._length(down)
        cv2.ellipse(self._picture, self._point(x, y), axes, 0, 0, 360, colour, -1, cv2.LINE_AA)

    def arc(self, place: tuple[float, float], size: tuple[float, float], angles: tuple[int, int], colour: Any) -> None:
        axes = self._length(size[0]), self._length(size[1])
        width = self._length(3)
        cv2.ellipse(self._picture, self._point(*place), axes, 0, angles[0], angles[1], colour, width, cv2.LINE_AA)

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: Any, width: float) -> None:
        cv2.line(self._picture, self._point(*start), self._point(*end), colour, self._length(width), cv2.LINE_AA)

    def polygon(self, points: list[tuple[float, float]], colour: Any) -> None:
        corners = np.array([self._point(x, y) for x, y in points], np.int32)
        cv2.fillPoly(self._picture, [corners], colour, cv2.LINE_AA)

    def _point(self, x: float, y: float) -> tuple[int, int]:
        return round(self._face.x + x * self._unit), round(self._face.y + y * self._unit)

    def _length(self, units: float) -> int:
        return max(1, round(units * self._unit))
