from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shared_kernel.vision.models.yunet import MAX_STRETCH, STRIDES_PX, FaceDetector, decode, doubted, fit


class GridSession:
    """Answers like YuNet, with one face in one cell of the middle grid."""

    def __init__(self, score: float = 0.81) -> None:
        self._score = score

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        _, _, height, width = inputs.shape
        outputs = [
            np.zeros((1, (height // s) * (width // s), values), np.float32)
            for values in (1, 1, 4, 10)
            for s in STRIDES_PX
        ]
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
    ("height", "width", "expected"),
    [
        (480, 640, (1, 3, 448, 608)),
        (1080, 1920, (1, 3, 384, 704)),
        (200, 100, (1, 3, 320, 160)),
        (100, 100, (1, 3, 160, 160)),
        (1, 9000, (1, 3, 32, 14848)),
        (1, 1, (1, 3, 32, 32)),
    ],
)
def test_pictures_of_any_form_fit_the_network(height: int, width: int, expected: tuple[int, ...]) -> None:
    fitted = fit(np.full((height, width, 3), 200, np.uint8), 280_000)
    assert fitted.inputs.shape == expected
    assert fitted.inputs[0, :, 0, 0].tolist() == [200, 200, 200]


@pytest.mark.parametrize(("height", "width"), [(480, 640), (1080, 1920), (700, 333), (64, 4000), (3, 3)])
def test_a_picture_keeps_its_shape_but_for_a_little(height: int, width: int) -> None:
    across, down = fit(np.zeros((height, width, 3), np.uint8), 280_000).scale
    # The sides are whole pixels, which is all that a tiny picture differs by.
    assert abs(across / down - 1) <= 2 * MAX_STRETCH + 1 / min(height, width)


def test_every_form_costs_about_the_same() -> None:
    for height, width in ((1000, 1000), (1080, 1920), (1920, 1080), (600, 800), (800, 2400)):
        _, _, down, across = fit(np.zeros((height, width, 3), np.uint8), 280_000).inputs.shape
        assert down * across == pytest.approx(280_000, rel=0.08)


def test_what_is_beyond_the_picture_is_black() -> None:
    fitted = fit(np.full((40, 640, 3), 200, np.uint8), 25_600)
    taken = round(40 * fitted.scale[1])
    assert fitted.inputs[0, :, taken:].max() == 0
    assert fitted.inputs[0, :, : taken - 1].min() > 190


def test_boxes_are_in_pixels_of_the_picture() -> None:
    face = FaceDetector(GridSession(), 0.5, 480 * 640).detect(np.zeros((960, 1280, 3), np.uint8))[0]
    assert face.box == pytest.approx((80.0, 24.0, 144.0, 120.0))
    assert face.landmarks.shape == (5, 2)
    assert face.landmarks[0].tolist() == pytest.approx([96.0, 67.2])


def test_a_face_of_few_pixels_is_doubted() -> None:
    sides = np.array([5, 10, 20, 40, 300], np.float32)
    boxes = np.stack([np.zeros(5), np.zeros(5), sides, sides], axis=1).astype(np.float32)
    scores = doubted(boxes, np.full(5, 0.9, np.float32))
    assert scores == pytest.approx([0.418, 0.642, 0.826, 0.894, 0.9], abs=2e-3)


def test_what_is_doubted_below_the_least_score_is_left_out() -> None:
    # The one face is 39 px wide in the network's eyes, of which 0.8 % of the score is doubt.
    picture = np.zeros((480, 640, 3), np.uint8)
    assert len(FaceDetector(GridSession(0.81), 0.80, 480 * 640).detect(picture)) == 1
    assert FaceDetector(GridSession(0.81), 0.809, 480 * 640).detect(picture) == []


def test_a_stretched_picture_gives_boxes_in_its_own_pixels() -> None:
    detector = FaceDetector(GridSession(), 0.5, 128 * 192)
    fitted = fit(np.zeros((124, 196, 3), np.uint8), 128 * 192)
    assert fitted.inputs.shape == (1, 3, 128, 192)
    face = detector.detect(np.zeros((124, 196, 3), np.uint8))[0]
    across, down = 196 / 192, 124 / 128
    assert face.box == pytest.approx((40 * across, 12 * down, 72 * across, 60 * down), rel=1e-5)


def test_pictures_of_one_form_go_together_and_keep_their_order() -> None:
    class Counted(GridSession):
        batches: list[int]

        def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
            self.batches.append(len(inputs))
            # The score of a picture is its brightness.
            single = super().run(inputs[:1])
            outputs = [np.repeat(output, len(inputs), axis=0) for output in single]
            for row, picture in enumerate(inputs):
                outputs[1][row] *= picture.max() / 255
                outputs[4][row] *= picture.max() / 255
            return tuple(outputs)

    session = Counted(1.0)
    session.batches = []
    wide, high = (480, 640, 3), (640, 480, 3)
    forms = [wide, high, wide, wide, high, wide]
    pictures = [np.full(form, 255 - 20 * number, np.uint8) for number, form in enumerate(forms)]
    found = FaceDetector(session, 0.2, batch=3).detect_all(pictures)
    assert sorted(session.batches) == [1, 2, 3]
    order = [255 - 20 * number for number in range(6)]
    assert [faces[0].score * 255 for faces in found] == pytest.approx(order, rel=0.01)
    alone = [FaceDetector(session, 0.2).detect(picture) for picture in pictures]
    assert [faces[0].box for faces in found] == [faces[0].box for faces in alone]
