"""Paints the empty site entrance: walls, floor, a gate to the yard, lamps and signs, all in perspective. No people.

Each surface is painted flat, at so many pixels a metre, and then laid into the picture by its four corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from xunshi.demo import signs
from xunshi.demo.camera import HEIGHT_PX, WIDTH_PX, Window, seen
from xunshi.demo.drawing import Colour, Picture, Plane, blurred, noise, unit

#: The hall: half its width, its height, where it ends, and how far behind the camera it begins.
HALF_WIDTH_M, HEIGHT_M, END_M, NEAR_M = 2.3, 2.9, 8.6, 0.75
#: The gate in the end wall.
GATE_M = (-1.15, 1.15, 2.25)
_PX_PER_M = 160
_SS = 2  # supersampling
_BGRA = 4  # channels of a surface with holes

Corner = tuple[float, float, float]


def gateway() -> Window:
    """The part of the picture in which people beyond the end wall can be seen."""
    x0, y0 = seen(GATE_M[0], GATE_M[2], END_M)
    x1, y1 = seen(GATE_M[1], 0.0, END_M)
    return round(x0), round(y0), round(x1), round(y1)


def painted(samples_dir: Path) -> Picture:
    """The empty scene, 720 × 1280 × 3, BGR 0..1.

    Raises:
        FileNotFoundError: a texture is not in the samples folder.
    """
    brick, gravel = (_texture(samples_dir / name) for name in ("brick.png", "gravel.png"))
    canvas = np.zeros((HEIGHT_PX * _SS, WIDTH_PX * _SS, 3), dtype=np.float32)
    _yard(canvas, gravel)
    left, right = -HALF_WIDTH_M, HALF_WIDTH_M
    _lay(canvas, _end_wall(), [(left, HEIGHT_M, END_M), (right, HEIGHT_M, END_M), (right, 0, END_M), (left, 0, END_M)])
    _lay(
        canvas,
        _ceiling(),
        [(left, HEIGHT_M, END_M), (right, HEIGHT_M, END_M), (right, HEIGHT_M, NEAR_M), (left, HEIGHT_M, NEAR_M)],
    )
    _lay(
        canvas,
        _brick_wall(brick),
        [(left, HEIGHT_M, NEAR_M), (left, HEIGHT_M, END_M), (left, 0, END_M), (left, 0, NEAR_M)],
    )
    _lay(
        canvas,
        _plaster_wall(),
        [(right, HEIGHT_M, END_M), (right, HEIGHT_M, NEAR_M), (right, 0, NEAR_M), (right, 0, END_M)],
    )
    floor = [(left, 0.0, END_M), (right, 0.0, END_M), (right, 0.0, NEAR_M), (left, 0.0, NEAR_M)]
    _lay(canvas, _floor(gravel), floor)
    _gloss(canvas, floor)
    scene = cv2.resize(canvas, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return _glow(scene.astype(np.float32))


def _texture(path: Path) -> Plane:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise FileNotFoundError(f"{path}: expected a sample picture; fetch the samples first")
    return unit(picture)


def _lay(canvas: Picture, surface: NDArray[np.float32], corners: Sequence[Corner]) -> None:
    """Put a surface (3 channels, or 4 with its coverage last) where its corners are seen, first corner upper left."""
    height, width = surface.shape[:2]
    target = np.array([seen(*corner) for corner in corners], dtype=np.float32) * _SS
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float32)
    whole = np.ones((height, width), np.float32)
    covering = surface if surface.shape[2] == _BGRA else np.dstack([surface, whole])
    matrix = cv2.getPerspectiveTransform(source, target)
    laid = cv2.warpPerspective(covering, matrix, (canvas.shape[1], canvas.shape[0]), flags=cv2.INTER_AREA)
    canvas *= 1 - laid[..., 3:]
    canvas += laid[..., :3] * laid[..., 3:]


def _surface(width_m: float, height_m: float, colour: Colour, seed: int, rough: float = 0.03) -> Picture:
    """Paint with stains: no wall has one colour."""
    shape = (round(height_m * _PX_PER_M), round(width_m * _PX_PER_M))
    stains = (
        rough * noise(shape, seed, 40)
        + 0.4 * rough * noise(shape, seed + 1, 3)
        + 0.3 * rough * noise(shape, seed + 2, 0)
    )
    stained: NDArray[Any] = unit(np.array(colour)) * (1 + stains[..., None])
    return stained.astype(np.float32)


def _tiled(texture: Plane, width_m: float, height_m: float, tile_m: float) -> Plane:
    side = round(tile_m * _PX_PER_M)
    tile = cv2.resize(texture, (side, side), interpolation=cv2.INTER_AREA)
    rows, columns = round(height_m * _PX_PER_M), round(width_m * _PX_PER_M)
    return np.tile(tile, (rows // side + 1, columns // side + 1))[:rows, :columns].astype(np.float32)


def _brick_wall(brick: Plane) -> Picture:
    """From near to far, left to right."""
    length = END_M - NEAR_M
    wall = _surface(length, HEIGHT_M, (118, 132, 158), 51, 0.05)
    wall *= (0.45 + 0.85 * _tiled(brick.T, length, HEIGHT_M, 1.2))[..., None]
    wall[-round(0.14 * _PX_PER_M) :] = unit(np.array((70, 72, 74)))
    _sign(wall, signs.notice(), at_m=(length - 1.95, 1.25), width_m=1.0)
    return wall * _corner_shade(wall.shape[:2], right=True)


def _plaster_wall() -> Picture:
    """From far to near, left to right."""
    length = END_M - NEAR_M
    wall = _surface(length, HEIGHT_M, (212, 216, 214), 55)
    dado = round((HEIGHT_M - 1.15) * _PX_PER_M)
    wall[dado:] = _surface(length, 1.15, (150, 120, 62), 58)[: wall.shape[0] - dado]
    wall[dado : dado + 8] = unit(np.array((235, 235, 235)))
    wall[-round(0.14 * _PX_PER_M) :] = unit(np.array((70, 72, 74)))
    _sign(wall, signs.mask(), at_m=(1.5, 0.62), width_m=0.62)
    _sign(wall, signs.helmet(), at_m=(3.0, 0.62), width_m=0.62)
    return wall * _corner_shade(wall.shape[:2], right=False)


def _corner_shade(shape: tuple[int, int], *, right: bool) -> NDArray[np.float32]:
    """Darker towards the floor, the ceiling and the far corner."""
    rows = np.linspace(0, HEIGHT_M, shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(0, END_M - NEAR_M, shape[1], dtype=np.float32)[None]
    far = (END_M - NEAR_M) - columns if right else columns
    shade = 1 - 0.30 * np.exp(-(HEIGHT_M - rows) / 0.35) - 0.22 * np.exp(-rows / 0.3) - 0.25 * np.exp(-far / 0.5)
    lamps = 0.90 + 0.14 * np.cos(columns / (END_M - NEAR_M) * 6 * np.pi)
    lit: NDArray[Any] = (shade * lamps)[..., None]
    return lit.astype(np.float32)


def _end_wall() -> NDArray[np.float32]:
    wall = _surface(2 * HALF_WIDTH_M, HEIGHT_M, (196, 200, 198), 61)
    coverage = np.ones(wall.shape[:2], np.float32)
    x0, x1 = (round((x + HALF_WIDTH_M) * _PX_PER_M) for x in GATE_M[:2])
    top = round((HEIGHT_M - GATE_M[2]) * _PX_PER_M)
    frame = 12
    wall[top - frame :, x0 - frame : x1 + frame] = unit(np.array((88, 84, 80)))
    coverage[top:, x0:x1] = 0
    _sign(wall, signs.gate(), at_m=(HALF_WIDTH_M - 1.0, 0.16), width_m=2.0)
    rows = np.linspace(0, HEIGHT_M, wall.shape[0], dtype=np.float32)[:, None, None]
    return np.dstack([wall * (0.82 - 0.12 * np.exp(-rows / 0.3)), coverage])


def _ceiling() -> Picture:
    length = END_M - NEAR_M
    ceiling = _surface(2 * HALF_WIDTH_M, length, (188, 190, 188), 65, 0.015)
    for line in np.arange(0.0, length, 0.6):
        ceiling[round(line * _PX_PER_M) : round(line * _PX_PER_M) + 3] *= 0.85
    for z in (0.9, 3.3, 5.7):
        y0, y1 = round(z * _PX_PER_M), round((z + 1.2) * _PX_PER_M)
        for x in (-1.0, 1.0):
            middle = round((x + HALF_WIDTH_M) * _PX_PER_M)
            ceiling[y0:y1, middle - 34 : middle + 34] = np.array((1.25, 1.25, 1.2), np.float32)
    return ceiling


def _floor(gravel: Plane) -> Picture:
    length = END_M - NEAR_M
    floor = _surface(2 * HALF_WIDTH_M, length, (164, 166, 166), 71, 0.05)
    floor *= (0.88 + 0.24 * _tiled(gravel, 2 * HALF_WIDTH_M, length, 2.5))[..., None]
    for joint in np.arange(0.0, length, 1.2):
        floor[round(joint * _PX_PER_M) : round(joint * _PX_PER_M) + 3] *= 0.72
    middle = floor.shape[1] // 2
    lane = round(1.0 * _PX_PER_M)
    worn = np.clip(0.82 + 0.18 * noise(floor.shape[:2], 75, 5), 0.3, 1)[..., None]
    for side in (-lane, lane):
        stripe = slice(middle + side - 8, middle + side + 8)
        floor[:, stripe] += worn[:, stripe] * (unit(np.array((60, 190, 230))) - floor[:, stripe]) * 0.9
    _hazard(floor, round(0.35 * _PX_PER_M), middle - lane, middle + lane, worn)
    _hazard(floor, round(5.0 * _PX_PER_M), middle - lane, middle + lane, worn)
    columns = np.abs(np.linspace(-HALF_WIDTH_M, HALF_WIDTH_M, floor.shape[1], dtype=np.float32))[None, :, None]
    return (floor * (1 - 0.4 * np.exp(-(HALF_WIDTH_M - columns) / 0.25))).astype(np.float32)


def _hazard(floor: Picture, y: int, x0: int, x1: int, worn: NDArray[np.float32]) -> None:
    """A line with yellow and black stripes across the lane."""
    band = slice(y, y + 28)
    rows, columns = np.mgrid[0:28, x0:x1]
    yellow = ((rows + columns) // 22 % 2)[..., None]
    colour = np.where(yellow, np.array((40, 190, 235)), np.array((38, 38, 38))).astype(np.float32) / np.float32(255)
    floor[band, x0:x1] += worn[band, x0:x1] * (colour - floor[band, x0:x1])


def _yard(canvas: Picture, gravel: Plane) -> None:
    """What is seen through the gate: sky, a hoarding, gravel in the sun."""
    rows = canvas.shape[0]
    sky = np.linspace(0, 1, rows, dtype=np.float32)[:, None, None]
    canvas += np.array((1.0, 0.96, 0.92), np.float32) * (1 - sky) + np.array((0.98, 0.98, 0.98), np.float32) * sky
    ground = _surface(12, 8, (176, 192, 200), 81) * (0.75 + 0.4 * _tiled(gravel, 12, 8, 2.0))[..., None]
    _lay(canvas, np.clip(ground, 0, 1), [(-6, 0, END_M + 8), (6, 0, END_M + 8), (6, 0, END_M), (-6, 0, END_M)])
    hoarding = _surface(12, 2.2, (120, 158, 96), 85)
    for x in range(0, hoarding.shape[1], _PX_PER_M):
        hoarding[:, x : x + 6] *= 0.78
    hoarding[: round(0.12 * _PX_PER_M)] *= 0.8
    _lay(canvas, hoarding, [(-6, 2.2, END_M + 8), (6, 2.2, END_M + 8), (6, 0, END_M + 8), (-6, 0, END_M + 8)])
    x0, y0, x1, y1 = (value * _SS for value in gateway())
    canvas[y0:y1, x0:x1] = 0.25 + 0.75 * cv2.GaussianBlur(canvas[y0:y1, x0:x1], (0, 0), 2.5)


def _gloss(canvas: Picture, floor: Sequence[Corner]) -> None:
    """The floor is sealed concrete: it mirrors the bright gate a little."""
    plane = np.zeros(canvas.shape[:2], np.uint8)
    cv2.fillConvexPoly(plane, (np.array([seen(*corner) for corner in floor]) * _SS).astype(np.int32), 255)
    edge = round(seen(0, 0, END_M)[1] * _SS)
    mirrored = np.zeros_like(canvas)
    depth = min(edge, canvas.shape[0] - edge)
    mirrored[edge : edge + depth] = canvas[edge - depth : edge][::-1]
    soft = cv2.GaussianBlur(mirrored, (0, 0), sigmaX=7 * _SS, sigmaY=18 * _SS)
    fade = np.clip(1 - (np.arange(canvas.shape[0], dtype=np.float32) - edge) / (230 * _SS), 0, 1)[:, None, None]
    mask = (plane[..., None] > 0) * fade * 0.30
    canvas += mask * (soft - canvas * 0.75)


def _glow(scene: Picture) -> Picture:
    """Bright lamps and the gate bloom; the corners of the lens are darker."""
    bright = np.clip(scene - 0.86, 0, None)
    scene = scene + 0.9 * cv2.GaussianBlur(bright, (0, 0), 9) + 0.5 * cv2.GaussianBlur(bright, (0, 0), 40)
    rows, columns = np.mgrid[-1 : 1 : HEIGHT_PX * 1j, -1 : 1 : WIDTH_PX * 1j].astype(np.float32)
    vignette = 1 - 0.20 * np.clip(rows**2 * 0.6 + columns**2 * 0.8 - 0.25, 0, None)
    seen_through: NDArray[Any] = np.clip(scene * vignette[..., None] * 0.94, 0, 1)
    return seen_through.astype(np.float32)


def _sign(wall: Picture, sign: Picture, at_m: tuple[float, float], width_m: float) -> None:
    """Hang a sign, upper left corner at so many metres from the wall's, with a shadow beneath it."""
    width = round(width_m * _PX_PER_M)
    hung = cv2.resize(sign, (width, round(width * sign.shape[0] / sign.shape[1])), interpolation=cv2.INTER_AREA)
    x, y = (round(value * _PX_PER_M) for value in at_m)
    height = hung.shape[0]
    shadow = np.zeros(wall.shape[:2], np.float32)
    shadow[y + 4 : y + height + 6, x - 3 : x + width + 3] = 0.45
    wall *= 1 - blurred(shadow, 5)[..., None]
    wall[y : y + height, x : x + width] = hung * 0.95
