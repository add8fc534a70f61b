from __future__ import annotations

import cv2
import numpy as np
import pytest

from shared_kernel.testing.faces import DrawnFace, scene
from shared_kernel.vision.models.align import CROP_PX, LANDMARK_PLACES, crop_face, crop_transform


def _landmarks(x: float, y: float, scale: float, turn_deg: float = 0.0) -> np.ndarray:
    turn = np.deg2rad(turn_deg)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return ((LANDMARK_PLACES - 0.5) * CROP_PX @ matrix.T + [x, y]).astype(np.float32)


@pytest.mark.parametrize(
    ("x", "y", "scale", "turn_deg"), [(48, 48, 1, 0), (300, 200, 2.5, 30), (10, 10, 0.2, -170), (700, 50, 8, 90)]
)
def test_landmarks_come_to_their_places(x: float, y: float, scale: float, turn_deg: float) -> None:
    points = _landmarks(x, y, scale, turn_deg)
    transform = crop_transform(points)
    assert points @ transform[:, :2].T + transform[:, 2] == pytest.approx(LANDMARK_PLACES * CROP_PX, abs=0.02)


def test_landmarks_in_one_point_give_a_crop_and_no_error() -> None:
    transform = crop_transform(np.full((5, 2), 7.0, np.float32))
    assert np.isfinite(transform).all()
    assert crop_face(np.zeros((20, 20, 3), np.uint8), transform).shape == (CROP_PX, CROP_PX, 3)


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0, 3.0, 9.0])
def test_the_crop_shows_the_same_at_every_size_of_the_face(scale: float) -> None:
    side = round(200 * scale)
    large = scene(DrawnFace(900, 900, 900), width=1800, height=1800)
    crops = [
        crop_face(
            np.asarray(cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA), np.uint8),
            crop_transform(_landmarks(size / 2 - 0.5, size / 2 - 0.5, size / 200)),
        )
        for size in (side, 200)
    ]
    assert np.abs(crops[0].astype(float) - crops[1]).mean() < 2.5


@pytest.mark.parametrize(("x", "y"), [(-40, 20), (640, 480), (5000, 5000)])
def test_a_face_at_or_beyond_the_edge_gives_a_crop(x: float, y: float) -> None:
    picture = scene(DrawnFace(320, 240))
    for scale in (0.3, 1.0, 6.0):
        assert crop_face(picture, crop_transform(_landmarks(x, y, scale))).shape == (CROP_PX, CROP_PX, 3)
