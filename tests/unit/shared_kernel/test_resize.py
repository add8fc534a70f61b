from __future__ import annotations

import cv2
import numpy as np
import pytest

from shared_kernel.testing.faces import DrawnFace, scene
from shared_kernel.vision.models.resize import reduced, resized


@pytest.mark.parametrize("size", [(704, 384), (608, 448), (1920, 1080), (2400, 1300), (101, 57), (1, 1)])
def test_it_looks_like_an_average_of_areas(size: tuple[int, int]) -> None:
    picture = scene(DrawnFace(900, 500, 300), width=1920, height=1080)
    expected = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    got = resized(picture, *size)
    assert got.shape == expected.shape
    assert np.abs(got.astype(float) - expected).mean() < 2.0


def test_fine_stripes_become_grey_and_not_coarse_stripes() -> None:
    stripes = np.zeros((600, 900, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(resized(stripes, 250, 150).astype(float) - 127.5).max() < 64
    assert np.abs(resized(stripes, 225, 150).astype(float) - 127.5).max() < 1


@pytest.mark.parametrize("factor", [1, 2, 3, 7])
def test_squares_are_averaged(factor: int) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (50, 71, 3), dtype=np.uint8)
    got = reduced(picture, factor)
    height, width = 50 // factor, 71 // factor
    squares = picture[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    assert got.shape == (height, width, 3)
    assert np.abs(got - squares.mean(axis=(1, 3))).max() <= 1
