"""Pictures into inputs and boxes back, with sizes worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from inference_service.packs.manifest import Input, Normalise
from inference_service.packs.prepare import place

AS_IT_IS = Normalise(scale=1.0)


def blue_above_red(height: int, width: int) -> NDArray[np.uint8]:
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, :, 0] = 255
    picture[height // 2 :, :, 2] = 255
    return picture


def test_a_letterbox_keeps_the_shape_and_fills_up() -> None:
    placed = place(blue_above_red(100, 200), Input(width=64, height=64), AS_IT_IS)
    assert placed.inputs.shape == (1, 3, 64, 64)
    assert (placed.left, placed.top, placed.scale_x, placed.scale_y) == (0, 16, 0.32, 0.32)
    assert placed.inputs[0, :, 5, 30].tolist() == [114, 114, 114]
    assert placed.inputs[0, :, 20, 30].tolist() == [0, 0, 255]  # rgb: the upper half is blue
    assert placed.inputs[0, :, 45, 30].tolist() == [255, 0, 0]


def test_a_letterbox_in_the_corner() -> None:
    placed = place(blue_above_red(100, 200), Input(width=64, height=64, place="corner", pad=0, colours="bgr"), AS_IT_IS)
    assert (placed.left, placed.top) == (0, 0)
    assert placed.inputs[0, :, 2, 30].tolist() == [255, 0, 0]
    assert placed.inputs[0, :, 60, 30].tolist() == [0, 0, 0]


def test_stretching_fills_the_whole_input() -> None:
    placed = place(blue_above_red(100, 200), Input(width=50, height=50, fit="stretch"), AS_IT_IS)
    assert (placed.scale_x, placed.scale_y) == (0.25, 0.5)
    assert placed.back(np.array([[10, 10, 20, 20]], np.float32)).tolist() == [[40, 20, 80, 40]]


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(100, 200, (32, 64)), (200, 100, (64, 32)), (100, 100, (64, 64)), (99, 200, (32, 64)), (1, 500, (32, 64))],
)
def test_the_longer_side_decides_and_both_are_filled_up(height: int, width: int, size: tuple[int, int]) -> None:
    placed = place(blue_above_red(height, width), Input(long_side=64, step=32), AS_IT_IS)
    assert placed.size == size
    assert placed.inputs.shape == (1, 3, *size)


def test_values_are_scaled_shifted_and_divided() -> None:
    picture = np.full((16, 16, 3), (10, 20, 30), np.uint8)
    normalise = Normalise(scale=0.5, mean=(1.0, 2.0, 3.0), std=(2.0, 4.0, 8.0))
    placed = place(picture, Input(width=16, height=16), normalise)
    assert placed.inputs[0, :, 0, 0] == pytest.approx([(15 - 1) / 2, (10 - 2) / 4, (5 - 3) / 8])


def test_channels_may_come_last() -> None:
    placed = place(blue_above_red(20, 40), Input(width=32, height=16, layout="nhwc"), AS_IT_IS)
    assert placed.inputs.shape == (1, 16, 32, 3)
    assert placed.inputs.flags.c_contiguous


@pytest.mark.parametrize("size", [(480, 640), (1080, 1920), (333, 517), (1, 1), (3000, 2)])
@pytest.mark.parametrize("wanted", [Input(width=416, height=320), Input(long_side=640)])
def test_a_box_comes_back_to_where_it_was(size: tuple[int, int], wanted: Input) -> None:
    height, width = size
    placed = place(np.zeros((height, width, 3), np.uint8), wanted, Normalise())
    corners = np.array([[0, 0, width, height]], np.float32)
    scale = np.array([placed.scale_x, placed.scale_y] * 2)
    inside = corners * scale + np.array([placed.left, placed.top] * 2)
    assert placed.back(inside.astype(np.float32)) == pytest.approx(corners, abs=0.01)
    assert inside.max() <= max(placed.size) + 0.01
