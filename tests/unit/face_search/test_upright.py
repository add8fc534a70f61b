"""Cutting faces out: for the network to the pixel, for people with surroundings."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from face_search.models.upright import PLACES, UPRIGHT_PX, portrait, upright


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7, 5.0])
@pytest.mark.parametrize("angle", [0.0, 30.0, -75.0, 180.0])
def test_landmarks_come_to_lie_at_their_places(scale: float, angle: float) -> None:
    turn = cv2.getRotationMatrix2D((0, 0), angle, scale)[:, :2]
    landmarks = np.asarray(PLACES * UPRIGHT_PX @ turn.T, np.float32)
    landmarks += 300 - landmarks.mean(axis=0)
    picture = np.zeros((600, 600, 3), np.uint8)
    for x, y in landmarks:
        cv2.circle(
            picture, (round(float(x) * 16), round(float(y) * 16)), round(5 * 16 * scale), (255,) * 3, -1, shift=4
        )
    face = upright(picture, landmarks)
    assert face.shape == (UPRIGHT_PX, UPRIGHT_PX, 3)
    count, _, _, centres = cv2.connectedComponentsWithStats((face[..., 0] > 127).astype(np.uint8))
    assert count == 6
    for place in PLACES * UPRIGHT_PX:
        assert np.linalg.norm(centres[1:] - place, axis=1).min() < 0.75


def test_the_places_are_those_of_arcface() -> None:
    assert (PLACES * UPRIGHT_PX)[0] == pytest.approx([38.2946, 51.6963], abs=1e-3)
    assert (PLACES * UPRIGHT_PX)[4] == pytest.approx([70.7299, 92.2041], abs=1e-3)


def test_a_portrait_has_surroundings_and_stays_in_the_picture() -> None:
    picture = np.arange(200 * 100 * 3, dtype=np.uint32).reshape(200, 100, 3).astype(np.uint8)
    inside = portrait(picture, (40.0, 80.0, 60.0, 100.0), margin=0.5, longest_px=400)
    assert inside.shape == (40, 40, 3)
    assert (inside == picture[70:110, 30:70]).all()
    assert portrait(picture, (-50.0, -50.0, 20.0, 20.0), margin=0.0, longest_px=400).shape == (20, 20, 3)
    assert portrait(picture, (90.0, 190.0, 400.0, 400.0), margin=0.0, longest_px=400).shape == (10, 10, 3)


def test_a_large_portrait_is_made_smaller() -> None:
    assert portrait(np.zeros((1000, 500, 3), np.uint8), (0, 0, 500, 1000), 0.0, 320).shape == (320, 160, 3)


@pytest.mark.parametrize(
    "box", [(10.0, 10.0, 10.0, 10.0), (500.0, 500.0, 600.0, 600.0), (-9.0, -9.0, -5.0, -5.0), (20.0, 20.0, 10.0, 10.0)]
)
def test_a_box_that_holds_nothing_gives_one_pixel_at_least(box: tuple[float, float, float, float]) -> None:
    cut = portrait(np.zeros((100, 100, 3), np.uint8), box, 0.0, 320)
    assert min(cut.shape[:2]) >= 1
