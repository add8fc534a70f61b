"""Paints a mask on a head: along the jaw, shaded like cloth, with ear loops. A head in, a masked head out.

What is painted decides the state the truth file gives; see `Cover`.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from xunshi.demo.drawing import Colour, Layer, Plane, blurred, filled, layer, noise, over, roundness, smooth, unit
from xunshi.demo.heads import HEIGHT_PX, WIDTH_PX, Head

_SHAPE = (HEIGHT_PX, WIDTH_PX)


class Cover(enum.Enum):
    """How much of the face a mask covers, and the state that is."""

    FULL = "with_mask"
    NOSE_BARE = "mask_worn_incorrectly"


@dataclass(frozen=True)
class Cloth:
    """What a mask looks like."""

    colour: Colour
    pleats: bool = False
    seam: bool = False
    border: Colour | None = None


SURGICAL_BLUE = Cloth((214, 188, 138), pleats=True, border=(238, 232, 226))
SURGICAL_WHITE = Cloth((232, 230, 228), pleats=True, border=(245, 243, 240))
RESPIRATOR = Cloth((228, 230, 232), seam=True)
BLACK_CLOTH = Cloth((48, 44, 44), seam=True)


def masked(head: Head, cloth: Cloth, cover: Cover = Cover.FULL) -> Head:
    """The head with a mask on."""
    upper, lower = _edges(head, cover)
    outline = smooth(np.array([*upper, *lower]), rounds=3)
    coverage = filled(_SHAPE, outline, feather_px=1.0)
    shadow = blurred(coverage, 8.0) * (1 - coverage) * 0.45
    painted = head.layer.copy()
    painted[..., :3] *= 1 - shadow[..., None]
    painted = over(painted, _loops(head, upper, lower))
    painted = over(painted, layer(_coloured(cloth, coverage, upper, lower), coverage, _light(head, coverage, cloth)))
    return head.with_layer(painted)


def _edges(head: Head, cover: Cover) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Upper edge left to right, lower edge right to left."""
    left_eye, right_eye, nose, mouth_left, mouth_right = head.landmarks
    cheek_left, jaw_left, chin, jaw_right, cheek_right = head.jaw
    eyes, mouth = (left_eye + right_eye) / 2, (mouth_left + mouth_right) / 2
    if cover is Cover.FULL:
        middle = eyes + 0.42 * (nose - eyes)
        rise = np.array([0.0, -14.0], dtype=np.float32)
    else:
        middle = nose + 0.42 * (mouth - nose)
        rise = np.array([0.0, 30.0], dtype=np.float32)
    beside_left = middle + 0.42 * (cheek_left - middle) + (0, 16)
    beside_right = middle + 0.42 * (cheek_right - middle) + (0, 16)
    upper = [cheek_left + rise, beside_left, middle, middle, beside_right, cheek_right + rise]
    out = np.array([5.0, 6.0], dtype=np.float32)
    under = chin + np.array([0, 14])
    lower = [
        jaw_right + out,
        (jaw_right + under) / 2 + (10, 12),
        under,
        (jaw_left + under) / 2 + (-10, 12),
        jaw_left + out * (-1, 1),
    ]
    return [np.asarray(p, dtype=np.float32) for p in upper], [np.asarray(p, dtype=np.float32) for p in lower]


def _loops(head: Head, upper: Sequence[NDArray[np.float32]], lower: Sequence[NDArray[np.float32]]) -> Layer:
    """Thin bands from the corners of the mask to the ears, visible only on the head."""
    plane = np.zeros(_SHAPE, dtype=np.uint8)
    for top, bottom, side in ((upper[0], lower[-1], -1.0), (upper[-1], lower[0], 1.0)):
        ear = top + np.array([side * 26.0, -42.0])
        for start, bend in ((top, (0.0, -6.0)), (bottom, (side * 14.0, -30.0))):
            middle = (start + ear) / 2 + bend
            path = np.stack(
                [(1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * ear for t in np.linspace(0, 1, 12)]
            )
            cv2.polylines(
                plane,
                [np.round(path * 16).astype(np.int32)],
                isClosed=False,
                color=255,
                thickness=5,
                lineType=cv2.LINE_AA,
                shift=4,
            )
    coverage = blurred(unit(plane), 0.8) * head.layer[..., 3]
    return layer((236, 234, 232), coverage, 0.86)


def _coloured(
    cloth: Cloth, coverage: Plane, upper: Sequence[NDArray[np.float32]], lower: Sequence[NDArray[np.float32]]
) -> NDArray[np.float32]:
    picture = np.broadcast_to(unit(np.array(cloth.colour)), (*_SHAPE, 3)).copy()
    if cloth.border is not None:
        band = coverage - filled(_SHAPE, _shrunk(np.array([*upper, *lower], dtype=np.float32), 0.93), 1.5)
        picture += np.clip(band, 0, 1)[..., None] * (unit(np.array(cloth.border)) - picture)
    return picture


def _shrunk(outline: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    centre = outline.mean(axis=0)
    return smooth(centre + factor * (outline - centre))


def _light(head: Head, coverage: Plane, cloth: Cloth) -> Plane:
    """The mask is a cushion over the nose, has folds, and stands in the light of the face beneath."""
    light = roundness(coverage, depth_px=85, softness_px=7)
    _, _, nose, mouth_left, mouth_right = head.landmarks
    mouth = (mouth_left + mouth_right) / 2
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    along = (rows - nose[1]) / max(float(mouth[1] - nose[1]), 1.0)
    ridge_x = nose[0] + along * (mouth[0] - nose[0])
    light = light + 0.10 * np.exp(-(((columns - ridge_x) / 42) ** 2)) * np.exp(-(((along - 0.2) / 0.9) ** 2))
    if cloth.pleats:
        sag = ((columns - ridge_x) / 120) ** 2 * 16
        for height in (-0.05, 0.5, 1.05):
            offset = rows - (nose[1] + height * (mouth[1] - nose[1]) + 8 - sag)
            light = light - 0.17 * np.exp(-((offset / 3.2) ** 2)) + 0.08 * np.exp(-(((offset + 8) / 4.5) ** 2))
    if cloth.seam:
        offset = columns - ridge_x
        light = light - 0.13 * np.exp(-((offset / 2.6) ** 2)) + 0.07 * np.exp(-(((offset + 7) / 5) ** 2))
        light = light - 0.10 * np.clip(offset / 120, 0, 1)
    crumple = 0.018 * noise(_SHAPE, 11, 9.0) + 0.01 * noise(_SHAPE, 12, 1.2)
    face = blurred(cv2.cvtColor(np.ascontiguousarray(head.layer[..., :3]), cv2.COLOR_BGR2GRAY), 30.0)
    spot = face[int(nose[1]) - 40 : int(nose[1]) + 80, int(nose[0]) - 90 : int(nose[0]) + 90]
    shade = np.clip(face / max(float(spot.mean()), 0.05), 0.6, 1.25)
    lit: NDArray[Any] = (light + crumple) * (0.55 + 0.45 * shade)
    return lit.astype(np.float32)
