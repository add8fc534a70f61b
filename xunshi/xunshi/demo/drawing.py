"""Small tools of the painter: smooth outlines, soft masks, shading that makes a flat shape look round, layers.

A layer is a premultiplied BGRA picture, float32 0..1. Used by every module that paints.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]  # height × width × 3, BGR, 0..1
Layer = NDArray[np.float32]  # height × width × 4, premultiplied BGRA, 0..1
Plane = NDArray[np.float32]  # height × width, 0..1
Colour = tuple[float, float, float]  # BGR 0..255

#: From here on a pixel belongs to a shape.
HALF = 0.5
_LIGHT = np.array([-0.45, -0.62, 0.64], dtype=np.float32)  # from the upper left, in front


def unit(picture: NDArray[Any]) -> NDArray[np.float32]:
    """Bytes 0..255 as 0..1."""
    return (picture / np.float32(255)).astype(np.float32)


def smooth(points: Sequence[tuple[float, float]] | NDArray[Any], rounds: int = 3) -> NDArray[np.float32]:
    """A closed outline with its corners cut (Chaikin), n × 2."""
    outline = np.array(points, dtype=np.float32)
    for _ in range(rounds):
        following = np.roll(outline, -1, axis=0)
        outline = np.stack([0.75 * outline + 0.25 * following, 0.25 * outline + 0.75 * following], axis=1).reshape(
            -1, 2
        )
    return outline


def filled(shape: tuple[int, int], outline: NDArray[np.float32], feather_px: float = 1.2) -> Plane:
    """Coverage of a closed outline in a picture of `shape` (height, width), with soft edges."""
    plane = np.zeros(shape, dtype=np.uint8)
    cv2.fillPoly(plane, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    soft = unit(plane)
    return blurred(soft, feather_px) if feather_px else soft


def blurred(plane: NDArray[Any], sigma_px: float) -> NDArray[np.float32]:
    return cv2.GaussianBlur(plane, (0, 0), sigma_px).astype(np.float32, copy=False)


@lru_cache(maxsize=24)
def noise(shape: tuple[int, int], seed: int, grain_px: float) -> Plane:
    """Smooth noise around 0 with deviation 1, the same for the same seed; not to be written to."""
    raw = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    plane = blurred(raw, grain_px) if grain_px else raw
    plane /= max(float(plane.std()), 1e-6)
    plane.setflags(write=False)
    return plane


def roundness(coverage: Plane, depth_px: float, softness_px: float = 3.0) -> Plane:
    """Light on the shape as if it were a cushion: about 1 where it faces the light, less on the far side.

    Args:
        coverage: the shape.
        depth_px: how far from its edge the surface goes on curving; more is rounder.
        softness_px: blur of the surface before it is lit.
    """
    distance = cv2.distanceTransform((coverage > HALF).astype(np.uint8), cv2.DIST_L2, 5)
    inner = np.clip(distance / depth_px, 0, 1)
    height = blurred((np.sqrt(1 - (1 - inner) ** 2) * depth_px).astype(np.float32), softness_px)
    down, right = np.gradient(height)
    normal = np.stack([-right, -down, np.ones_like(height)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    lit: NDArray[Any] = np.clip(normal @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    return (0.5 + 0.75 * lit).astype(np.float32)


def layer(colour: Colour | Picture, coverage: Plane, light: Plane | float = 1.0) -> Layer:
    """A lit colour, or picture, cut to a shape."""
    base: NDArray[Any] = unit(np.array(colour)) if isinstance(colour, tuple) else colour
    shaded = np.clip(base * (light[..., None] if isinstance(light, np.ndarray) else light), 0, 1)
    return np.dstack([shaded * coverage[..., None], coverage]).astype(np.float32)


def over(under: Layer, upper: Layer) -> Layer:
    """Put one layer on another of the same size."""
    return under * (1 - upper[..., 3:]) + upper


def empty(shape: tuple[int, int]) -> Layer:
    return np.zeros((*shape, 4), dtype=np.float32)
