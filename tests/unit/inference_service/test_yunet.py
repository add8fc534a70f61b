from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from inference_service.models.yunet import STRIDES_PX, FaceDetector, decode, letterbox


class GridSession:
    """Answers like YuNet, with one face in one cell of the middle grid."""

    def __init__(self, score: float = 0.81, only_below_px: int | None = None) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self._score, self._only_below_px = score, only_below_px

    def run(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        self.shapes.append(inputs.shape)
        _, _, height, width = inputs.shape
        outputs = [
            np.zeros((1, (height // s) * (width // s), values), np.float32)
            for values in (1, 1, 4, 10)
            for s in STRIDES_PX
        ]
        if self._only_below_px is None or max(height, width) <= self._only_below_px:
            cell = 2 * (width // 16) + 3  # column 3, row 2 of stride 16
            outputs[1][0, cell] = outputs[4][0, cell] = self._score
            outputs[7][0, cell] = [0.5, 0.25, np.log(2.0), np.log(3.0)]
            outputs[10][0, cell] = np.arange(10) / 10
        return tuple(outputs)


def test_a_cell_becomes_a_box_and_five_points() -> None:
    inputs = np.zeros((1, 3, 128, 192), np.float32)
    boxes, landmarks, scores = decode(GridSession().run(inputs), (128, 192), 0.5)
    assert scores == pytest.approx([0.81])
    # centre ((3 + 0.5) * 16, (2 + 0.25) * 16), size 32 x 48
    assert boxes[0] == pytest.approx([40.0, 12.0, 72.0, 60.0])
    assert landmarks[0, 0] == pytest.approx([48.0, 33.6])
    assert landmarks[0, 4] == pytest.approx([60.8, 46.4])


def test_scores_below_the_least_are_left_out() -> None:
    boxes, _, scores = decode(GridSession(0.4).run(np.zeros((1, 3, 128, 128), np.float32)), (128, 128), 0.5)
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)


@pytest.mark.parametrize(
    ("height", "width", "expected", "scale"),
    [
        (480, 640, (1, 3, 512, 640), 1.0),
        (1080, 1920, (1, 3, 384, 640), 1 / 3),
        (100, 50, (1, 3, 640, 320), 6.4),
        (1, 5000, (1, 3, 64, 640), 0.128),
        (1, 1, (1, 3, 640, 640), 640.0),
    ],
)
def test_pictures_of_any_form_fit_the_network(height: int, width: int, expected: tuple[int, ...], scale: float) -> None:
    inputs, got = letterbox(np.full((height, width, 3), 200, np.uint8), 640)
    assert inputs.shape == expected
    assert got == pytest.approx(scale)
    assert inputs[0, :, 0, 0].tolist() == [200, 200, 200]


def test_what_is_beyond_the_picture_is_black() -> None:
    inputs, _ = letterbox(np.full((300, 640, 3), 200, np.uint8), 640)
    assert inputs[0, :, 300:].max() == 0


def test_boxes_are_in_pixels_of_the_picture() -> None:
    face = FaceDetector(GridSession(), 0.5).detect(np.zeros((960, 1280, 3), np.uint8))[0]
    assert face.box == pytest.approx((80.0, 24.0 + 0.09 * 96, 144.0, 120.0 + 0.05 * 96))
    assert face.landmarks.shape == (5, 2)


def test_an_empty_picture_is_tried_again_smaller_and_then_given_up() -> None:
    session = GridSession(0.1)
    assert FaceDetector(session, 0.5).detect(np.zeros((480, 640, 3), np.uint8)) == []
    assert session.shapes == [(1, 3, 512, 640), (1, 3, 256, 320)]


def test_a_face_that_fills_the_picture_is_found_in_the_smaller_copy() -> None:
    face = FaceDetector(GridSession(only_below_px=320), 0.5).detect(np.zeros((480, 640, 3), np.uint8))[0]
    assert face.box == pytest.approx((80.0, 24.0 + 0.09 * 96, 144.0, 120.0 + 0.05 * 96))
