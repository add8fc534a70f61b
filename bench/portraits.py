"""Pictures with a known number of faces: the freely licensed portraits of the demo, bare, masked and masked wrongly.

The same every time. Heads stand in rows before the painted entrance, each in a cell of its own.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import product
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.ports import Picture
from xunshi.demo import heads, masks, scene
from xunshi.demo.drawing import Layer
from xunshi.demo.subjects import SUBJECTS

#: What a head wears: nothing, or a mask, over the nose or under it.
_WORN: Final = (
    None,
    (masks.SURGICAL_BLUE, masks.Cover.FULL),
    (masks.BLACK_CLOTH, masks.Cover.FULL),
    (masks.SURGICAL_WHITE, masks.Cover.NOSE_BARE),
)
#: Height of a head in its cell; some are further away.
_HEIGHTS: Final = (1.0, 0.8, 0.9, 0.7)


def portrait(samples: Path, faces: int, width: int, height: int) -> Picture:
    """A picture of `width` x `height` with so many faces, height x width x 3 uint8, blue-green-red.

    Args:
        samples: folder with the files of samples.toml.
        faces: how many.
        width: pixels.
        height: pixels.
    """
    canvas = cv2.resize(_entrance(samples), (width, height), interpolation=cv2.INTER_AREA)
    columns = max(1, math.ceil(math.sqrt(faces * width / height)))
    rows = math.ceil(faces / columns)
    cell_width, cell_height = width / columns, height / rows
    side = min(cell_height, cell_width * heads.HEIGHT_PX / heads.WIDTH_PX)
    for number, drawn in zip(range(faces), _wearers(samples) * math.ceil(faces / len(_wearers(samples))), strict=False):
        head_height = round(side * _HEIGHTS[number % len(_HEIGHTS)])
        size = round(head_height * heads.WIDTH_PX / heads.HEIGHT_PX), head_height
        head = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
        x = round((number % columns + 0.5) * cell_width - size[0] / 2)
        y = round((number // columns + 1) * cell_height) - head_height
        below = canvas[y : y + size[1], x : x + size[0]]
        below[:] = below * (1 - head[..., 3:]) + head[..., :3]
    return np.asarray(np.clip(canvas * 255, 0, 255), np.uint8)


@cache
def _entrance(samples: Path) -> NDArray[np.float32]:
    return scene.painted(samples)


@cache
def _wearers(samples: Path) -> list[Layer]:
    """Every subject with everything it can wear, subjects taking turns."""
    drawn = {name: heads.cut(name, samples) for name in SUBJECTS}
    pairs = list(product(range(len(drawn)), range(len(_WORN))))
    pairs.sort(key=lambda pair: ((pair[1] - pair[0]) % len(_WORN), pair[0]))
    every = list(drawn.values())
    return [masks.masked(every[who], *worn).layer if (worn := _WORN[what]) else every[who].layer for who, what in pairs]
