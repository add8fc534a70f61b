"""The camera of the demo: where a point of the site falls in the picture, and how parts of a figure get into it.

A pinhole 2.05 m above the ground that looks straight ahead, with the horizon in the upper part of the picture. Metres:
x to the right, y up, z away from the camera.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from xunshi.demo.figure import Part

WIDTH_PX, HEIGHT_PX = 1280, 720
FOCAL_PX = 1000.0
CENTRE_X_PX, HORIZON_PX = 640.0, 150.0
CAMERA_HEIGHT_M = 2.05

Window = tuple[int, int, int, int]  # x0 y0 x1 y1
WHOLE: Window = (0, 0, WIDTH_PX, HEIGHT_PX)


def seen(x_m: float, y_m: float, z_m: float) -> tuple[float, float]:
    """Pixel of a point."""
    scale = FOCAL_PX / z_m
    return CENTRE_X_PX + x_m * scale, HORIZON_PX + (CAMERA_HEIGHT_M - y_m) * scale


def placement(
    part: Part,
    joint_px: tuple[float, float],
    px_per_m: float,
    *,
    turn_deg: float = 0.0,
    wide: float = 1.0,
    tall: float = 1.0,
) -> NDArray[np.float64]:
    """2 × 3 matrix from pixels of the part's first level to the picture."""
    scale = px_per_m / part.px_per_m
    angle = np.radians(turn_deg)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    linear = scale * turn @ np.diag([wide, tall])
    return np.column_stack([linear, np.array(joint_px) - linear @ np.array(part.joint)])


def put(frame: NDArray[np.uint8], part: Part, matrix: NDArray[np.float64], light: float, window: Window) -> None:
    """Draw a part into a BGR frame, only inside the window, from the mip level that fits."""
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    level = int(np.clip(np.floor(np.log2(1 / max(shrink, 1e-3)) + 0.35), 0, len(part.levels) - 1))
    drawn = part.levels[level]
    factor = part.levels[0].shape[1] / drawn.shape[1], part.levels[0].shape[0] / drawn.shape[0]
    matrix = matrix @ np.diag([factor[0], factor[1], 1.0])
    height, width = drawn.shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
    x0, y0 = (int(max(low, np.floor(value))) for low, value in zip(window[:2], corners.min(axis=0), strict=True))
    x1, y1 = (int(min(high, np.ceil(value))) for high, value in zip(window[2:], corners.max(axis=0), strict=True))
    if x1 <= x0 or y1 <= y0:
        return
    shifted = matrix.copy()
    shifted[:, 2] -= (x0, y0)
    patch = cv2.warpAffine(drawn, shifted, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
    region = frame[y0:y1, x0:x1]
    # silver and white are brighter than the sensor in the sun: they saturate, they do not wrap to black
    region[:] = np.clip(region * (1 - patch[..., 3:]) + patch[..., :3] * (255 * light), 0, 255)
