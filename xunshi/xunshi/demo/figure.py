"""Draws the rest of a person, part by part, and puts a head on it. Outfit and head in, jointed figure out.

Lengths are metres, x to the right and y up from the ground between the feet. Each part turns and stretches about its
joint; `walk` says how, `camera` puts the parts into the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from xunshi.demo import heads
from xunshi.demo.drawing import Colour, Layer, Plane, filled, layer, noise, over, roundness, smooth
from xunshi.demo.heads import Head
from xunshi.demo.headwear import back_of, helmeted
from xunshi.demo.masks import Cloth, Cover, masked

PX_PER_M = 500.0
#: How high a head's eyes are above the ground, and its turning point above the neck.
EYE_M, NECK_M = 1.60, 1.44
HIP_M, SHOULDER_M, HIP_HALF_M, SHOULDER_HALF_M = 0.92, 1.375, 0.092, 0.185
_CANVAS_PX = (1000, 460)
#: Mip levels end here.
_SMALLEST_PX = 12
_SILVER: Colour = (196, 196, 190)

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Outfit:
    """What somebody wears. Without a vest it is a jacket with a badge."""

    shirt: Colour
    trousers: Colour
    vest: Colour | None = None
    helmet: Colour | None = None
    mask: Cloth | None = None
    cover: Cover = Cover.FULL
    height: float = 1.0


@dataclass(frozen=True)
class Part:
    """A drawn piece with its mip levels, each half the size of the one before.

    Attributes:
        levels: layers, the first with `px_per_m`.
        joint: pixel of the first level about which it turns.
        origin: where its upper left corner was in the picture it was drawn in.
    """

    levels: tuple[Layer, ...]
    px_per_m: float
    joint: tuple[float, float]
    origin: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Figure:
    """A person, seen from the front and from behind."""

    head: Head
    face: Part
    nape: Part
    chest: Part
    back: Part
    arms: tuple[Part, Part]
    legs: tuple[Part, Part]
    height: float


def dressed(subject: str, outfit: Outfit, samples_dir: Path) -> Figure:
    """A subject in an outfit."""
    head = heads.cut(subject, samples_dir)
    nape = back_of(head)
    front = masked(head, outfit.mask, outfit.cover) if outfit.mask else head
    if outfit.helmet:
        front, nape = helmeted(front, outfit.helmet), helmeted(nape, outfit.helmet)
    joint = (300.0, 300.0 + (EYE_M - NECK_M) * heads.PX_PER_M)
    return Figure(
        head=head,
        face=_part(front.layer, heads.PX_PER_M, joint),
        nape=_part(nape.layer, heads.PX_PER_M, joint),
        chest=_part(_torso(outfit, front=True), PX_PER_M, _pixel((0, HIP_M))),
        back=_part(_torso(outfit, front=False), PX_PER_M, _pixel((0, HIP_M))),
        arms=(_arm(outfit, head, -1), _arm(outfit, head, 1)),
        legs=(_leg(outfit, -1), _leg(outfit, 1)),
        height=outfit.height,
    )


def _part(drawn: Layer, px_per_m: float, joint: tuple[float, float]) -> Part:
    """Only the rectangle in which something is drawn is kept."""
    rows, columns = (np.flatnonzero((drawn[..., 3] > 1 / 512).any(axis=axis)) for axis in (1, 0))
    levels = [np.ascontiguousarray(drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])]
    origin = (float(columns[0]), float(rows[0]))
    joint = (joint[0] - origin[0], joint[1] - origin[1])
    while min(levels[-1].shape[:2]) > _SMALLEST_PX:
        levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.float32))
    return Part(tuple(levels), px_per_m, joint, origin)


def _pixel(point: tuple[float, float]) -> tuple[float, float]:
    """Canvas pixel of a point of the body; the canvas reaches from the ground to 2 m less a little."""
    return _CANVAS_PX[1] / 2 + point[0] * PX_PER_M, _CANVAS_PX[0] - 20 - point[1] * PX_PER_M


def _shape(points: Points, feather_px: float = 1.0, rounds: int = 2) -> Plane:
    return filled(_CANVAS_PX, smooth([_pixel(point) for point in points], rounds), feather_px)


def _mirrored(half: Points) -> Points:
    return [*half, *((-x, y) for x, y in reversed(half))]


def _cloth(seed: int, strength: float = 1.0) -> Plane:
    """Folds of fabric: noise drawn out downwards, and a fine weave."""
    folds = cv2.resize(
        noise((_CANVAS_PX[0] // 4, _CANVAS_PX[1]), seed, 7.0), _CANVAS_PX[::-1], interpolation=cv2.INTER_CUBIC
    )
    return (strength * (0.045 * folds + 0.012 * noise(_CANVAS_PX, seed + 1, 0.8))).astype(np.float32)


def _torso(outfit: Outfit, *, front: bool) -> Layer:
    # fmt: off
    body = _shape(_mirrored([
        (0.0, 1.448), (0.07, 1.452), (0.10, 1.432), (0.16, 1.408), (0.205, 1.370), (0.215, 1.30), (0.195, 1.16),
        (0.182, 1.04), (0.188, 0.93), (0.186, 0.86), (0.0, 0.845),
    ]))
    # fmt: on
    light = _torso_light(body) + _cloth(31)
    drawn = layer(outfit.shirt, body, light)
    if outfit.vest is None:
        return over(drawn, _zip(light, badge=front)) if front else drawn
    neckline = 1.20 if front else 1.42
    # fmt: off
    vest = _shape(_mirrored([
        (0.02, neckline), (0.07, 1.43), (0.14, 1.402), (0.160, 1.35), (0.168, 1.26), (0.195, 1.20), (0.188, 1.04),
        (0.196, 0.93), (0.194, 0.86), (0.0, 0.85),
    ]), rounds=1)
    # fmt: on
    vest_light = 1.06 * _torso_light(np.maximum(body, vest)) + _cloth(33)
    drawn = over(drawn, layer(outfit.vest, vest, vest_light))
    strips = sum(
        (_shape(_box(-0.22, 0.22, y, y + 0.05), 0.6, 0) for y in (1.075, 0.935)), np.zeros(_CANVAS_PX, np.float32)
    )
    for side in (-1, 1):
        x = side * 0.125
        strips = np.maximum(strips, _shape(_box(x - 0.025, x + 0.025, 0.93, 1.45), 0.6, 0))
    drawn = over(drawn, layer(_SILVER, np.clip(strips, 0, 1) * vest, 1.04 * vest_light))
    return over(drawn, _zip(vest_light, badge=False)) if front else drawn


def _torso_light(body: Plane) -> Plane:
    """A trunk is round from side to side but goes on below the hem: light it as if it were longer."""
    longer = body.copy()
    hem = round(_pixel((0, 0.95))[1])
    longer[hem:] = longer[hem]
    return roundness(longer, 66, 10)


def _box(x0: float, x1: float, y0: float, y1: float) -> Points:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _zip(light: Plane, *, badge: bool) -> Layer:
    line = layer((60, 60, 60), 0.7 * _shape(_box(-0.004, 0.004, 0.86, 1.33), 0.6, 0), light)
    if not badge:
        return line
    ribbon = _shape([(-0.075, 1.43), (-0.065, 1.43), (0.012, 1.13), (0.002, 1.13)], 0.6, 0)
    ribbon = np.maximum(ribbon, _shape([(0.075, 1.43), (0.065, 1.43), (0.002, 1.13), (0.012, 1.13)], 0.6, 0))
    card = _shape(_box(-0.03, 0.042, 1.03, 1.13), 0.8, 0)
    photo = _shape(_box(-0.016, 0.028, 1.07, 1.115), 0.6, 0)
    drawn = over(over(line, layer((150, 90, 30), ribbon, light)), layer((240, 240, 240), card, 0.95))
    return over(drawn, layer((170, 140, 110), photo, 0.9))


def _arm(outfit: Outfit, head: Head, side: int) -> Part:
    outline = [(0.165, 1.395), (0.205, 1.375), (0.232, 1.31), (0.252, 1.12), (0.258, 0.92), (0.252, 0.865)]
    outline += [(0.192, 0.865), (0.190, 0.93), (0.178, 1.10), (0.162, 1.28)]
    sleeve = _shape([(side * x, y) for x, y in outline])
    # fmt: off
    hand = _shape([(side * x, y) for x, y in [
        (0.198, 0.875), (0.248, 0.875), (0.254, 0.82), (0.244, 0.755), (0.222, 0.74), (0.204, 0.76), (0.196, 0.82),
    ]])
    # fmt: on
    drawn = layer(head.skin, hand, 0.92 * roundness(hand, 22, 4))
    drawn = over(drawn, layer(outfit.shirt, sleeve, 0.97 * roundness(sleeve, 24, 6) + _cloth(35 + side)))
    if outfit.vest is not None:
        band = _shape([(side * x, y) for x, y in _box(0.15, 0.28, 1.12, 1.155)], 0.6, 0) * sleeve
        drawn = over(drawn, layer(_SILVER, band, roundness(sleeve, 24, 6)))
    return _part(drawn, PX_PER_M, _pixel((side * SHOULDER_HALF_M, SHOULDER_M)))


def _leg(outfit: Outfit, side: int) -> Part:
    outline = [(-0.002, 0.91), (0.186, 0.93), (0.178, 0.72), (0.156, 0.50), (0.150, 0.28), (0.146, 0.075)]
    outline += [(0.036, 0.075), (0.034, 0.28), (0.026, 0.50), (0.004, 0.76)]
    cloth = _shape([(side * x, y) for x, y in outline])
    # fmt: off
    shoe = _shape([(side * x, y) for x, y in [
        (0.040, 0.10), (0.140, 0.10), (0.152, 0.055), (0.156, 0.01), (0.126, -0.012), (0.062, -0.012), (0.034, 0.01),
        (0.034, 0.055),
    ]])
    # fmt: on
    drawn = layer((38, 40, 44), shoe, 1.05 * roundness(shoe, 20, 3))
    drawn = over(drawn, layer(outfit.trousers, cloth, 0.96 * roundness(cloth, 36, 7) + _cloth(41 + side)))
    return _part(drawn, PX_PER_M, _pixel((side * HIP_HALF_M, HIP_M)))
