"""A safety helmet, and the back of a head. Heads in, heads out, like `masks`."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from xunshi.demo.drawing import HALF, Colour, Layer, blurred, filled, layer, noise, over, roundness, smooth
from xunshi.demo.heads import HEIGHT_PX, WIDTH_PX, Head

_SHAPE = (HEIGHT_PX, WIDTH_PX)
#: A helmet sits so far above the eyes.
_BRIM_RISE_PX = 62.0
_DISC_PX = 75


def helmeted(head: Head, colour: Colour) -> Head:
    """The head with a helmet on; hair above the brim is under it."""
    centre, half = _fit(head)
    brim_y = 300.0 - _BRIM_RISE_PX
    bare = head.layer.copy()
    rows = np.arange(HEIGHT_PX, dtype=np.float32)[:, None, None]
    bare *= np.clip((rows - (brim_y - 26)) / 6, 0, 1)
    columns = np.abs(np.arange(WIDTH_PX, dtype=np.float32) - centre)[None, :, None]
    bare *= np.clip((half * 1.0 + np.maximum(rows - brim_y, 0) * 0.6 - columns) / 7, 0, 1)  # wide hair is pressed in
    shade = np.exp(-(((np.arange(HEIGHT_PX, dtype=np.float32) - brim_y - 6) / 26) ** 2))[:, None, None]
    bare[..., :3] *= 1 - 0.5 * shade
    return head.with_layer(over(bare, _helmet(centre, half, brim_y, colour)))


def back_of(head: Head) -> Head:
    """The same head from behind: hair, a neck, no face."""
    outline = (head.layer[..., 3] > HALF).astype(np.uint8)
    outline[430:] = 0
    bob = [(186, 300), (196, 180), (250, 100), (300, 84), (350, 100), (404, 180), (414, 300), (424, 440), (418, 530)]
    skull = filled(_SHAPE, smooth([*bob, (300, 548), (182, 530), (176, 440)]))
    wide = _without_ears(outline)
    shape = np.clip(blurred(np.maximum(wide, skull > HALF).astype(np.float32), 9.0) * 4 - 1.5, 0, 1)
    neck = filled(
        _SHAPE, np.array([(232, 380), (368, 380), (372, 500), (395, 570), (205, 570), (228, 500)], np.float32), 3
    )
    strands = 0.05 * cv2.resize(noise((90, WIDTH_PX), 21, 1.5), (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    colour = (max(16, 0.5 * head.hair[0]), max(17, 0.5 * head.hair[1]), max(20, 0.5 * head.hair[2]))
    hair = layer(colour, shape, (roundness(shape, 110, 9) + strands).astype(np.float32))
    return head.with_layer(over(layer(head.skin, neck, 0.72 * roundness(neck, 70, 6)), hair))


def _without_ears(outline: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """What a disc of 75 px can cover without leaving the outline: long hair stays, ears go."""
    inside = cv2.distanceTransform(outline, cv2.DIST_L2, 5) > _DISC_PX
    away: NDArray[Any] = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    return away <= _DISC_PX if inside.any() else inside


def _fit(head: Head) -> tuple[float, float]:
    """Middle and half width of the head at the height of the temples; wide hair is pressed together."""
    cheek_left, _, _, _, cheek_right = head.jaw
    return float(cheek_left[0] + cheek_right[0]) / 2, min(170.0, float(cheek_right[0] - cheek_left[0]) * 0.63)


def _helmet(centre: float, half: float, brim_y: float, colour: Colour) -> Layer:
    angles = np.linspace(np.pi, 2 * np.pi, 40)
    top = half * 1.02
    dome = [(centre + half * np.cos(a), brim_y + top * np.sin(a)) for a in angles]
    shell = filled(_SHAPE, smooth([*dome, (centre + half, brim_y + 8), (centre - half, brim_y + 8)], rounds=2))
    light = 0.25 + 0.75 * roundness(shell, half * 0.8, 12)
    columns, rows = np.meshgrid(np.arange(WIDTH_PX, dtype=np.float32), np.arange(HEIGHT_PX, dtype=np.float32))
    for offset in (-0.34, 0.0, 0.34):  # three ribs from front to back
        middle = centre + offset * half * np.sqrt(np.clip(1 - ((brim_y - rows) / (top * 1.06)) ** 2, 0, 1))
        ribbed = np.exp(-(((columns - middle) / 7) ** 2)) - 0.8 * np.exp(-(((columns - middle - 13) / 6) ** 2))
        light = light + 0.10 * ribbed * np.clip((brim_y - 20 - rows) / 40, 0, 1)
    shine = np.exp(
        -(((columns - centre + half * 0.42) / (half * 0.20)) ** 2 + ((rows - brim_y + top * 0.62) / (top * 0.16)) ** 2)
    )
    painted = layer(colour, shell, light.astype(np.float32))
    painted[..., :3] += (0.38 * shine * shell)[..., None]
    brim = filled(_SHAPE, smooth(_brim(centre, half, brim_y), rounds=2))
    painted = over(painted, layer(colour, brim, 0.92 * roundness(brim, 16, 3)))
    return np.clip(painted, 0, 1).astype(np.float32)


def _brim(centre: float, half: float, brim_y: float) -> list[tuple[float, float]]:
    """A peak that comes towards the camera: a crescent across the forehead."""
    reach = half * 1.07
    lower = [(centre + reach * np.cos(a), brim_y + 4 + 25 * np.sin(a)) for a in np.linspace(0, np.pi, 24)]
    upper = [(centre + reach * np.cos(a), brim_y - 5 + 5 * np.sin(a)) for a in np.linspace(np.pi, 0, 24)]
    return [(float(x), float(y)) for x, y in [*lower, *upper]]
