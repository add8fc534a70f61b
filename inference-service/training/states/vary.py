"""Variations of a stored crop: what cameras, distance and compression do to a face."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from shared_kernel.vision.models.align import CROP_PX
from training.states.crops import MARGIN_PX, STORED_PX, WORK_PX

Pixels = NDArray[np.uint8]

#: Width of the face in a crop of WORK_PX; a face of n pixels was enlarged by this over n.
FACE_IN_CROP_PX = 61.0


def vary(stored: Pixels, face_px: float, rng: Generator) -> Pixels:
    """Make one training example.

    Args:
        stored: STORED_PX square, uint8, blue-green-red.
        face_px: size of the face in its picture; a face that was small already is not made much smaller.
        rng: source of chance.

    Returns:
        WORK_PX square, uint8, blue-green-red.
    """
    crop = _moved(stored, rng)
    if rng.random() < 0.9:
        crop = _coloured(crop, rng)
    if rng.random() < 0.06:
        crop = np.repeat(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)
    if rng.random() < 0.25:
        crop = _patched(crop, rng)
    if rng.random() < 0.2:
        crop = _blurred(crop, rng)
    small_px = rng.uniform(12, 44) if face_px > 30 and rng.random() < 0.4 else min(face_px, FACE_IN_CROP_PX)
    return _seen_small(crop, small_px, rng)


def centre(stored: Pixels) -> Pixels:
    """Give one crop as it is cut in use, without any variation."""
    inner = stored[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
    return np.asarray(cv2.resize(inner, (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA))


def _moved(stored: Pixels, rng: Generator) -> Pixels:
    turn = np.deg2rad(np.clip(rng.normal(0, 7), -25, 25))
    zoom = np.exp(np.clip(rng.normal(0, 0.09), -0.25, 0.25))
    linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = linear @ np.array([[1 + rng.normal(0, 0.04), rng.normal(0, 0.04)], [0, 1 + rng.normal(0, 0.04)]])
    if rng.random() < 0.5:
        linear[:, 0] *= -1
    shift = np.clip(rng.normal(0, 3.0, 2), -9, 9)
    matrix = np.concatenate([linear, (WORK_PX / 2 + shift - linear @ np.full(2, STORED_PX / 2))[:, None]], axis=1)
    border = cv2.BORDER_REPLICATE if rng.random() < 0.7 else cv2.BORDER_CONSTANT
    return np.asarray(cv2.warpAffine(stored, matrix, (WORK_PX, WORK_PX), flags=cv2.INTER_LINEAR, borderMode=border))


def _coloured(crop: Pixels, rng: Generator) -> Pixels:
    values = crop.astype(np.float32)
    grey = values @ np.array([0.114, 0.587, 0.299], np.float32)
    values = grey[..., None] + (values - grey[..., None]) * rng.uniform(0.4, 1.6)
    values *= np.exp(rng.normal(0, 0.18) + rng.normal(0, 0.08, 3)).astype(np.float32)
    values = (values - values.mean()) * rng.uniform(0.6, 1.4) + values.mean()
    values = 255 * np.clip(values / 255, 0, 1) ** np.exp(rng.normal(0, 0.3)) + rng.normal(0, 12)
    if rng.random() < 0.3:
        values += rng.normal(0, rng.uniform(1, 12), values.shape)
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)


def _patched(crop: Pixels, rng: Generator) -> Pixels:
    """Cover a small part; never so much that the state cannot be told."""
    patched = crop.copy()
    height, width = rng.integers(8, 30, 2)
    y, x = rng.integers(0, WORK_PX - height), rng.integers(0, WORK_PX - width)
    fill = rng.uniform(0, 255, 3) if rng.random() < 0.6 else rng.uniform(0, 255, (height, width, 3))
    patched[y : y + height, x : x + width] = fill
    return patched


def _blurred(crop: Pixels, rng: Generator) -> Pixels:
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.5, 2.5)))
    length, turn = int(rng.integers(3, 10)), rng.uniform(0, np.pi)
    kernel = np.zeros((11, 11), np.float32)
    reach = np.array([np.cos(turn), np.sin(turn)]) * length / 2
    ends = [tuple(np.round(5 + side * reach).astype(int).tolist()) for side in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return np.asarray(cv2.filter2D(crop, -1, kernel / kernel.sum()))


def _seen_small(crop: Pixels, face_px: float, rng: Generator) -> Pixels:
    """Reduce to the size at which a face of `face_px` is seen, compress there, and enlarge again."""
    side = round(WORK_PX * min(1.0, face_px / FACE_IN_CROP_PX))
    if side < WORK_PX:
        crop = np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA))
    if rng.random() < 0.5:
        quality = int(rng.integers(30, 95))
        _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
        crop = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    if side < WORK_PX:
        how = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_CUBIC
        crop = np.asarray(cv2.resize(crop, (WORK_PX, WORK_PX), interpolation=how))
    return crop
