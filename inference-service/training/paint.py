"""Masks painted on bare faces, worn right, under the nose or on the chin; hands, scarves and glasses, which are none.

Real pictures of masks worn wrongly are few, and the drawn ones of the data are all of one light blue kind.
"""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from shared_kernel.messages import MaskState

Pixels = NDArray[np.uint8]

#: Middle between the eyes, the way to the person's left eye times two, the way down to the mouth; each x, y.
Axes = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

#: Upper edge of a painted mask on the line from the eyes (0) to the mouth (1); the tip of the nose is near 0.5.
TOP_RANGES: dict[str, tuple[float, float]] = {
    "worn": (0.12, 0.42),
    "nose": (0.66, 0.90),
    "chin": (1.12, 1.40),
}

#: Usual colours, blue-green-red: surgical blue, white, black, grey, navy, pink, green, beige.
CLOTH = [
    (215, 190, 150),
    (240, 240, 238),
    (30, 30, 32),
    (130, 130, 130),
    (90, 50, 30),
    (190, 170, 235),
    (150, 190, 140),
    (160, 185, 210),
]


def paint_mask(crop: Pixels, landmarks: NDArray[np.float32], wearing: str, rng: Generator) -> tuple[Pixels, MaskState]:
    """Paint a mask on a bare face.

    Args:
        crop: H x W x 3 uint8.
        landmarks: 5 x 2 in crop pixels.
        wearing: `worn`, `nose` (nose bare) or `chin` (nose and mouth bare).
        rng: source of chance.

    Returns:
        A new crop and its state.
    """
    centre, across, down = _axes(landmarks)
    top = rng.uniform(*TOP_RANGES[wearing])
    # A mask that hangs low also reaches lower, and one on the chin is narrower.
    bottom = rng.uniform(1.60, 1.85) if wearing == "worn" else rng.uniform(1.68, 2.05)
    half = rng.uniform(0.90, 1.12) * (0.92 if wearing == "chin" else 1.0)
    side_top = top + rng.uniform(0.10, 0.32) * (1.0 if wearing == "worn" else 0.5)
    arc = [
        (0.0, top),
        (0.35, top + 0.06),
        (0.7, side_top),
        (half, side_top + 0.05),
        (half * 0.95, (side_top + bottom) / 2),
        (half * 0.72, bottom - 0.18),
        (half * 0.38, bottom - 0.03),
        (0.0, bottom),
    ]
    outline = np.array(arc + [(-u, v) for u, v in reversed(arc[1:-1])])
    outline += rng.normal(0, 0.035, outline.shape)
    points = centre + outline[:, :1] * across + outline[:, 1:] * down
    strapped = crop.copy()
    if rng.random() < 0.7:
        _draw_straps(strapped, points, (centre, across, down), rng)
    painted = _covered(strapped, points, rng)
    return painted, MaskState.WITH_MASK if wearing == "worn" else MaskState.MASK_WORN_INCORRECTLY


def paint_dyed(crop: Pixels, landmarks: NDArray[np.float32], rng: Generator) -> Pixels:
    """Give what covers the lower face another cloth and keep its folds: real masks are mostly blue, white or black.

    On a bare face this is a painted face: it stays bare.
    """
    centre, across, down = _axes(landmarks)
    top, bottom, half = rng.uniform(0.3, 0.5), rng.uniform(1.45, 1.75), rng.uniform(0.7, 0.95)
    outline = np.array([(-half, top + 0.1), (0.0, top), (half, top + 0.1), (half * 0.8, bottom - 0.2), (0.0, bottom),
                        (-half * 0.8, bottom - 0.2)])  # fmt: skip
    points = centre + outline[:, :1] * across + outline[:, 1:] * down
    cover = np.zeros(crop.shape[:2], np.uint8)
    cv2.fillPoly(cover, [np.round(points * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
    share = (cv2.GaussianBlur(cover, (0, 0), rng.uniform(1.0, 3.0)) / 255.0)[..., None] * rng.uniform(0.7, 1.0)
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.float32)
    inside = float((grey * share[..., 0]).sum() / max(float(share.sum()), 1.0))
    folds = np.clip(grey / max(inside, 20.0), 0.4, 1.7)[..., None]
    dyed = np.clip(_cloth(crop, points, rng) * folds, 0, 255)
    return np.asarray(crop * (1 - share) + dyed * share, dtype=np.uint8)


def paint_hand(crop: Pixels, landmarks: NDArray[np.float32], rng: Generator) -> Pixels:
    """Hold a hand, a cup or a telephone before the lower part of a face; it stays unprotected."""
    centre, across, down = _axes(landmarks)
    painted = crop.copy()
    skin = crop[
        np.clip(int(landmarks[2, 1]) - 3, 0, crop.shape[0] - 1), np.clip(int(landmarks[2, 0]), 0, crop.shape[1] - 1)
    ]
    is_hand = rng.random() < 0.7
    colour = skin * rng.uniform(0.75, 1.1) if is_hand else rng.uniform(10, 245, 3)
    place = centre + rng.uniform(-0.6, 0.6) * across + rng.uniform(0.8, 1.5) * down
    size = np.linalg.norm(across) * rng.uniform(0.3, 0.75, 2)
    angle = rng.uniform(0, 180)
    tone = tuple(float(v) for v in np.clip(colour, 0, 255))
    cv2.ellipse(painted, (tuple(map(float, place)), tuple(map(float, 2 * size)), float(angle)), tone, -1, cv2.LINE_AA)
    for _ in range(int(rng.integers(2, 5)) if is_hand else 0):
        reach = place + rng.normal(0, 0.7, 2) * np.linalg.norm(across)
        finger = tuple(float(np.clip(v * rng.uniform(0.85, 1.1), 0, 255)) for v in tone)
        width = max(2, round(float(np.linalg.norm(across)) * 0.22))
        cv2.line(painted, _pixel(place), _pixel(reach), finger, width, cv2.LINE_AA)
    shade = cv2.GaussianBlur(rng.normal(1, 0.5, crop.shape[:2]).astype(np.float32), (0, 0), 6)[..., None]
    changed = (painted != crop).any(axis=2, keepdims=True)
    return np.where(changed, np.clip(painted * np.clip(shade, 0.7, 1.3), 0, 255), crop).astype(np.uint8)


def paint_scarf(crop: Pixels, landmarks: NDArray[np.float32], rng: Generator) -> Pixels:
    """Lay a scarf, a collar or a strap around the neck, below the lips; it is no mask, whatever it is made of."""
    centre, across, down = _axes(landmarks)
    top, half = rng.uniform(1.35, 1.75), rng.uniform(0.7, 1.6)
    sag = rng.uniform(0.0, 0.35)
    outline = np.array(
        [(-half, top - sag / 2), (0.0, top + sag), (half, top - sag / 2), (half * 1.2, 3.5), (-half * 1.2, 3.5)]
    )
    outline += rng.normal(0, 0.05, outline.shape)
    return _covered(crop, centre + outline[:, :1] * across + outline[:, 1:] * down, rng)


def paint_glasses(crop: Pixels, landmarks: NDArray[np.float32], rng: Generator) -> Pixels:
    """Cover the eyes with glasses or a carnival mask; what the nose and the mouth wear decides alone."""
    centre, across, down = _axes(landmarks)
    painted = crop.copy()
    if rng.random() < 0.35:
        wide, high, low = rng.uniform(0.85, 1.15), rng.uniform(-0.55, -0.3), rng.uniform(0.2, 0.42)
        outline = np.array(
            [(-wide, high), (0.0, high + 0.12), (wide, high), (wide * 0.9, low), (0.0, low * 0.5), (-wide * 0.9, low)]
        )
        return _covered(crop, centre + outline[:, :1] * across + outline[:, 1:] * down, rng)
    tone = tuple(float(v) for v in np.clip(rng.normal(35, 25, 3), 0, 160))
    size = np.linalg.norm(across) * np.array([rng.uniform(0.26, 0.40), rng.uniform(0.18, 0.34)])
    turn = float(np.rad2deg(np.arctan2(across[1], across[0])))
    eyes = [centre + side * 0.5 * across for side in (-1, 1)]
    for eye in eyes:
        cv2.ellipse(painted, (tuple(map(float, eye)), tuple(map(float, 2 * size)), turn), tone, -1, cv2.LINE_AA)
    cv2.line(painted, _pixel(eyes[0]), _pixel(eyes[1]), tone, 2, cv2.LINE_AA)
    return painted


def _covered(crop: Pixels, points: NDArray[np.float64], rng: Generator) -> Pixels:
    """Lay cloth over the area within the points."""
    cover = np.zeros(crop.shape[:2], np.uint8)
    cv2.fillPoly(cover, [np.round(points * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
    share = (cv2.GaussianBlur(cover, (0, 0), rng.uniform(0.4, 1.2)) / 255.0)[..., None]
    return np.asarray(crop * (1 - share) + _cloth(crop, points, rng) * share, dtype=np.uint8)


def _axes(landmarks: NDArray[np.float32]) -> Axes:
    """Give the middle between the eyes, one eye distance across, and the way from there down to the mouth."""
    points = landmarks.astype(np.float64)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down = mouth - eyes
    across = points[1] - points[0]
    # A face turned aside has its eyes close together but is nearly as wide as before.
    least = 0.75 * float(np.linalg.norm(down))
    length = max(float(np.linalg.norm(across)), 1e-3)
    return eyes, across * max(1.0, least / length), down


def _cloth(crop: Pixels, points: NDArray[np.float64], rng: Generator) -> NDArray[np.float32]:
    height, width = crop.shape[:2]
    colour = np.array(CLOTH[rng.integers(len(CLOTH))] if rng.random() < 0.6 else rng.uniform(10, 250, 3))
    cloth = np.ones((height, width, 3), np.float32) * np.clip(colour + rng.normal(0, 12, 3), 0, 255)
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    cloth = _printed(cloth, rng)
    if rng.random() < 0.45:
        pleats = 1 - rng.uniform(0.03, 0.14) * (np.sin(ys / rng.uniform(1.2, 3.5) + rng.uniform(0, 6)) > 0.6)
        cloth *= pleats[..., None].astype(np.float32)
    middle, spread = points.mean(axis=0), np.ptp(points, axis=0).max() / 2
    bulge = 1 - rng.uniform(0.05, 0.4) * ((xs - middle[0] - rng.normal(0, 4)) / spread) ** 2
    light = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (0, 0), 8).astype(np.float32)
    light = 1 + rng.uniform(0.2, 0.9) * (light / max(float(light.mean()), 1.0) - 1)
    # The cloth is lit as the picture is: no bright white mask on a dark face.
    level = np.clip(crop.mean() / 110.0, 0.35, 1.1) ** rng.uniform(0.4, 1.0)
    cloth = cloth * (bulge * light)[..., None] * level + rng.normal(0, rng.uniform(0, 6), cloth.shape)
    return np.asarray(np.clip(cloth, 0, 255), dtype=np.float32)


def _printed(cloth: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
    """Print spots of one or several colours, stripes, checks, or a mouth on some cloths, H x W x 3."""
    height, width = cloth.shape[:2]
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    kind = rng.random()
    if kind < 0.2:
        for _ in range(int(rng.integers(1, 4))):
            spots = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), rng.uniform(1.2, 4))
            cloth = np.where((spots > rng.uniform(0.5, 1.3) * spots.std())[..., None], _tone(rng), cloth)
    elif kind < 0.32:
        width_px, turns = rng.uniform(1.0, 4.0), [rng.uniform(0, np.pi)]
        if rng.random() < 0.4:
            turns.append(turns[0] + np.pi / 2)
        for turn in turns:
            stripes = np.sin((xs * np.cos(turn) + ys * np.sin(turn)) / width_px) > rng.uniform(-0.2, 0.6)
            cloth = np.where(stripes[..., None], _tone(rng), cloth)
    elif kind < 0.38:
        cloth = np.ascontiguousarray(cloth)
        place = (round(width * rng.uniform(0.42, 0.58)), round(height * rng.uniform(0.55, 0.72)))
        size = (round(width * rng.uniform(0.05, 0.14)), round(height * rng.uniform(0.01, 0.05)) + 1)
        mouth = -1 if rng.random() < 0.6 else 1
        cv2.ellipse(cloth, place, size, 0, 0, 360 if rng.random() < 0.5 else 180, _tone(rng).tolist(), mouth)
    return np.asarray(cloth, np.float32)


def _tone(rng: Generator) -> NDArray[np.float32]:
    return rng.uniform(0, 255, 3).astype(np.float32)


def _draw_straps(painted: Pixels, points: NDArray[np.float64], axes: Axes, rng: Generator) -> None:
    centre, across, down = axes
    tone = tuple(float(v) for v in np.clip(CLOTH[rng.integers(4)] + rng.normal(0, 10, 3), 0, 255))
    for side, index in ((1, 3), (-1, len(points) - 3)):
        ear = centre + side * rng.uniform(1.2, 1.4) * across + rng.uniform(0.1, 0.5) * down
        cv2.line(painted, _pixel(points[index]), _pixel(ear), tone, 1, cv2.LINE_AA)


def _pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
