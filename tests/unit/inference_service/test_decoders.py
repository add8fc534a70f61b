"""Every decoder on outputs whose boxes were worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from inference_service.decoders import classifier, picodet, ssd, yolov5, yolov8, yolox, yunet
from inference_service.decoders.candidates import MAX_CANDIDATES, Candidates, ShapeMismatch, distinct

Floats = NDArray[np.float32]


def floats(*rows: object) -> Floats:
    return np.array(rows, np.float32)


def test_yolov5_multiplies_objectness_and_label() -> None:
    rows = floats([100, 50, 20, 10, 0.5, 0.2, 0.8], [10, 10, 4, 4, 0.9, 0.3, 0.1])
    found = yolov5.decode([rows[None]], labels=2, min_score=0.25)
    assert found.boxes.tolist() == [[90, 45, 110, 55], [8, 8, 12, 12]]
    assert found.scores == pytest.approx([0.4, 0.27])
    assert found.labels.tolist() == [1, 0]


def test_yolov5_reads_the_joined_output_and_leaves_the_raw_grids() -> None:
    raw = np.zeros((1, 3, 8, 8, 7), np.float32)
    joined = floats([100, 50, 20, 10, 1, 1, 0])[None]
    assert yolov5.decode([raw, joined], 2, 0.5).boxes.tolist() == [[90, 45, 110, 55]]


@pytest.mark.parametrize("turned", [False, True])
def test_yolov8_has_one_column_a_place_and_no_objectness(*, turned: bool) -> None:
    columns = floats([100, 10], [50, 10], [20, 4], [10, 4], [0.1, 0.6], [0.7, 0.2], [0.2, 0.1])
    output = columns.T[None] if turned else columns[None]
    found = yolov8.decode([output], labels=3, min_score=0.5)
    assert found.boxes.tolist() == [[90, 45, 110, 55], [8, 8, 12, 12]]
    assert found.scores == pytest.approx([0.7, 0.6])
    assert found.labels.tolist() == [1, 0]


def yolox_output() -> Floats:
    """For an input of 32 x 64: grids of 4 x 8, 2 x 4 and 1 x 2 cells, 42 in all; one label."""
    output = np.zeros((1, 42, 6), np.float32)
    # Stride 8, row 1, column 2: the 10th cell. Centre (2 + 0.5, 1 + 0.25) * 8 = (20, 10), size (e^0, e^ln2) * 8.
    output[0, 10] = [0.5, 0.25, 0, np.log(2), 0.8, 0.5]
    # Stride 32, column 1: the last cell. Centre (1 + 0.5, 0.5) * 32 = (48, 16), size 32 x 32.
    output[0, 41] = [0.5, 0.5, 0, 0, 1.0, 0.9]
    return output


def test_yolox_brings_cells_to_pixels() -> None:
    found = yolox.decode([yolox_output()], 1, 0.3, (32, 64))
    assert found.boxes == pytest.approx(floats([16, 2, 24, 18], [32, 0, 64, 32]))
    assert found.scores == pytest.approx([0.4, 0.9])


def test_yolox_takes_pixels_as_they_are_when_told_so() -> None:
    output = np.zeros((1, 42, 6), np.float32)
    output[0, 3] = [20, 10, 8, 16, 1, 0.5]
    assert yolox.decode([output], 1, 0.3, (32, 64), in_pixels=True).boxes.tolist() == [[16, 2, 24, 18]]


def test_picodet_rows_end_at_the_count_and_unknown_labels_are_left_out() -> None:
    rows = floats([1, 0.9, 1, 2, 3, 4], [-1, 0.8, 0, 0, 1, 1], [2, 0.8, 0, 0, 1, 1], [0, 0.7, 5, 6, 7, 8])
    found = picodet.decode([rows, floats(3).reshape(1)], labels=2, min_score=0.5)
    assert found.boxes.tolist() == [[1, 2, 3, 4]]
    assert picodet.decode([rows], labels=2, min_score=0.5).labels.tolist() == [1, 0]


@pytest.mark.parametrize("order", [1, -1])
def test_picodet_without_suppression_inside(order: int) -> None:
    boxes = floats([[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 1, 1]])
    shares = floats([[0.9, 0.1, 0.2], [0.3, 0.6, 0.1]])
    found = picodet.decode([boxes, shares][::order], labels=2, min_score=0.5)
    assert found.boxes.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert found.labels.tolist() == [0, 1]


def test_ssd_detections_are_shares_of_the_input() -> None:
    rows = floats([0, 1, 0.9, 0.25, 0.5, 0.5, 1.0], [0, 3, 0.9, 0, 0, 1, 1], [-1, 1, 0.9, 0, 0, 1, 1])
    found = ssd.decode_detections([rows[None, None]], 2, 0.5, (100, 200), first_label=1)
    assert found.boxes.tolist() == [[50, 50, 100, 100]]
    assert found.labels.tolist() == [0]


def test_ssd_boxes_with_a_first_label_for_nothing() -> None:
    boxes = floats([[0.25, 0.5, 0.5, 1.0], [0, 0, 1, 1]])
    shares = floats([[0.1, 0.8, 0.1], [0.9, 0.05, 0.05]])
    found = ssd.decode_boxes([shares, boxes], 2, 0.5, (100, 200))
    assert found.boxes.tolist() == [[50, 50, 100, 100]]
    assert found.labels.tolist() == [0]


def test_ssd_offsets_move_the_fixed_boxes() -> None:
    priors = ssd.Priors(grids=(2, 1), sizes=((0.2, 0.4), (0.5,)), ratios=(0.25,), variances=(0.1, 0.1, 0.2, 0.2))
    fixed = priors.boxes()
    assert priors.count == len(fixed) == 2 * 2 * 3 + 1 * 1 * 2
    # Cell (row 0, column 1) of the first grid: its third box has ratio 0.25, so 0.2 * 0.5 wide and 0.2 / 0.5 high.
    assert fixed[5] == pytest.approx([0.75, 0.25, 0.1, 0.4])
    assert fixed[13] == pytest.approx([0.5, 0.5, 0.25, 1.0])
    offsets = np.zeros((1, 14, 4), np.float32)
    shares = np.zeros((1, 14, 1), np.float32)
    offsets[0, 5] = [1.0, -2.5, 0.0, np.log(2) / 0.2]
    shares[0, 5] = 0.9
    # Centre (0.75 + 0.1 * 0.1, 0.25 - 0.25 * 0.4) = (0.76, 0.15), size (0.1, 0.8), on an input 100 wide, 200 high.
    found = ssd.decode_boxes([offsets, shares], 1, 0.5, (200, 100), (fixed, priors.variances))
    assert found.boxes == pytest.approx(floats([71, -50, 81, 110]), abs=1e-3)


def test_the_fixed_boxes_of_aizoo_are_as_many_as_its_outputs() -> None:
    sizes = ((0.04, 0.056), (0.08, 0.11), (0.16, 0.22), (0.32, 0.45), (0.64, 0.72))
    priors = ssd.Priors((33, 17, 9, 5, 3), sizes, (0.62, 0.42), (0.1, 0.1, 0.2, 0.2))
    assert priors.count == 5972


def yunet_outputs() -> list[Floats]:
    """For an input of 32 x 32: 16, 4 and 1 cells."""
    return [np.zeros((1, cells, values), np.float32) for values in (1, 1, 4, 10) for cells in (16, 4, 1)]


def test_yunet_takes_the_root_of_both_scores() -> None:
    outputs = yunet_outputs()
    outputs[0][0, 6], outputs[3][0, 6] = 0.81, 1.5  # cls, obj of stride 8, row 1, column 2; obj is cut to 1
    outputs[6][0, 6] = [0.5, 0.25, 0, np.log(2)]
    found = yunet.decode(outputs, 0.5, (32, 32))
    assert found.boxes == pytest.approx(floats([16, 2, 24, 18]))
    assert found.scores == pytest.approx([0.9])


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("softmax", [0.09003, 0.24473, 0.66524]), ("sigmoid", [0.5, 0.73106, 0.88080]), ("none", [0, 1, 1])],
)
def test_a_classifier_gives_probabilities(activation: classifier.Activation, expected: list[float]) -> None:
    assert classifier.decode([floats([0, 1, 2])], 3, activation) == pytest.approx(expected, abs=1e-5)
    assert classifier.decode([floats([0, 1, 2]).reshape(1, 3, 1, 1)], 3, activation) == pytest.approx(
        expected, abs=1e-5
    )


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none"])
def test_a_classifier_that_answers_no_numbers_stays_within_0_and_1(activation: classifier.Activation) -> None:
    shares = classifier.decode([floats([np.nan, np.inf, -np.inf, 1e38])], 4, activation)
    assert np.isfinite(shares).all()
    assert (shares >= 0).all()
    assert (shares <= 1).all()


CALLS: dict[str, tuple[Callable[[list[Floats]], object], str]] = {
    "yolov5": (lambda outputs: yolov5.decode(outputs, 2, 0.1), "1 x N x 7"),
    "yolov8": (lambda outputs: yolov8.decode(outputs, 2, 0.1), "1 x 6 x N"),
    "yolox": (lambda outputs: yolox.decode(outputs, 2, 0.1, (32, 64)), "1 x 42 x 7"),
    "picodet": (lambda outputs: picodet.decode(outputs, 2, 0.1), "N x 6 and a count, or 1 x N x 4 and 1 x 2 x N"),
    "detections": (
        lambda outputs: ssd.decode_detections(outputs, 2, 0.1, (32, 64), first_label=1),
        "1 x 1 x N x 7",
    ),
    "boxes": (lambda outputs: ssd.decode_boxes(outputs, 2, 0.1, (32, 64)), "1 x N x 4 and 1 x N x 2"),
    "priors": (
        lambda outputs: ssd.decode_boxes(outputs, 2, 0.1, (32, 64), (np.zeros((9, 4), np.float32), (1, 1, 1, 1))),
        "1 x 9 x 4",
    ),
    "yunet": (lambda outputs: yunet.decode(outputs, 0.1, (32, 32)), "cls, obj, bbox, kps with 16, 4, 1 cells"),
    "classifier": (lambda outputs: classifier.decode(outputs, 2, "none"), "1 x 2"),
}


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [np.zeros((3, 9, 9), np.float32)],
        [np.zeros(9, np.float32)],
        [np.zeros((), np.float32)],
        [np.zeros((1, 9, 4), np.float32), np.zeros((1, 8, 2), np.float32)],
    ],
)
def test_outputs_of_another_shape_are_named_with_what_was_expected(kind: str, outputs: list[Floats]) -> None:
    decode, expected = CALLS[kind]
    with pytest.raises(ShapeMismatch) as raised:
        decode(outputs)
    assert f"expected {expected}" in str(raised.value)
    assert "got " in str(raised.value)


def test_what_is_no_number_is_left_out() -> None:
    rows = floats([np.nan, 1, 1, 1, 0.9, 0], [1, 1, np.inf, 1, 0.9, 0], [5, 5, 2, 2, np.nan, 0.1], [5, 5, 2, 2, 0.9, 0])
    with np.errstate(all="ignore"):
        assert len(yolov8.decode([rows.T[None]], 2, 0.5).scores) == 1
    detections = floats([0, np.nan, 0.9, 0, 0, 1, 1], [0, 1, np.nan, 0, 0, 1, 1])
    assert len(ssd.decode_detections([detections[None, None]], 2, 0.5, (9, 9), first_label=1).scores) == 0
    assert len(picodet.decode([floats([np.nan, 0.9, 0, 0, 1, 1])], 2, 0.5).scores) == 0


def test_an_enormous_size_stays_a_number() -> None:
    output = yolox_output()
    output[0, 10, 2:4] = 1e30
    assert np.isfinite(yolox.decode([output], 1, 0.3, (32, 64)).boxes).all()


def candidates(*rows: tuple[float, float, float, float, float, int]) -> Candidates:
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Candidates(table[:, :4], table[:, 4], table[:, 5].astype(np.intp))


def test_doubles_of_one_label_go_and_those_of_two_stay() -> None:
    found = candidates((0, 0, 10, 10, 0.5, 0), (0, 0, 10, 9, 0.8, 0), (0, 0, 10, 10, 0.6, 1), (50, 50, 60, 60, 0.9, 0))
    kept = distinct(found, 0.5, 10)
    assert kept.scores == pytest.approx([0.9, 0.8, 0.6])
    assert kept.labels.tolist() == [0, 0, 1]


@pytest.mark.parametrize(("limit", "left"), [(1, 1), (2, 2), (10, 4)])
def test_the_best_stay_when_there_are_too_many(limit: int, left: int) -> None:
    found = candidates(*((20.0 * n, 0, 20.0 * n + 5, 5, 0.1 * n, n % 2) for n in range(1, 5)))
    kept = distinct(found, 0.5, limit)
    assert kept.scores.tolist() == pytest.approx([0.4, 0.3, 0.2, 0.1][:left])


def test_nothing_found_stays_nothing() -> None:
    assert len(distinct(candidates(), 0.5, 10).scores) == 0


def test_noise_does_not_make_it_slow() -> None:
    """Only so many boxes are ever compared; the best are among them."""
    count = MAX_CANDIDATES * 5
    rng = np.random.default_rng(1)
    corners = rng.uniform(0, 600, (count, 2)).astype(np.float32)
    scores = rng.uniform(0, 1, count).astype(np.float32)
    found = Candidates(np.concatenate([corners, corners + 5], axis=1), scores, np.zeros(count, np.intp))
    kept = distinct(found, 0.5, 100)
    assert len(kept.scores) == 100
    assert kept.scores[0] == scores.max()
