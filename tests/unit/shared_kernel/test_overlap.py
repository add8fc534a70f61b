from __future__ import annotations

import numpy as np
import pytest

from shared_kernel.vision.models.overlap import keep_distinct


def _kept(boxes: list[list[float]], scores: list[float], overlap: float = 0.3, limit: int = 10) -> list[int]:
    kept = keep_distinct(np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), overlap, limit)
    return [int(index) for index in kept]


@pytest.mark.parametrize(
    ("name", "boxes", "scores", "expected"),
    [
        ("nothing", [], [], []),
        ("one", [[0, 0, 1, 1]], [0.5], [0]),
        ("the better of two on one face", [[0, 0, 10, 10], [1, 1, 11, 11]], [0.5, 0.9], [1]),
        ("two faces side by side", [[0, 0, 10, 10], [9, 0, 19, 10]], [0.5, 0.9], [1, 0]),
        (
            "a suppressed box suppresses nothing",
            [[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]],
            [0.9, 0.8, 0.7],
            [0, 2],
        ),
        ("equal scores keep their order", [[0, 0, 1, 1], [5, 5, 6, 6]], [0.5, 0.5], [0, 1]),
        ("boxes without area stay apart", [[3, 3, 3, 3], [3, 3, 3, 3]], [0.5, 0.4], [0, 1]),
    ],
)
def test_boxes_that_repeat_a_better_one_go(
    name: str, boxes: list[list[float]], scores: list[float], expected: list[int]
) -> None:
    assert _kept(boxes, scores) == expected


@pytest.mark.parametrize(("shift", "stays"), [(5.4, True), (5.3, False)])
def test_fractions_of_a_pixel_count_on_small_faces(shift: float, stays: bool) -> None:
    """Two boxes 10 px wide overlap by 0.299 when shifted 5.4 px, by 0.307 when shifted 5.3 px."""
    kept = _kept([[0.3, 0.3, 10.3, 10.3], [0.3 + shift, 0.3, 10.3 + shift, 10.3]], [0.9, 0.8])
    assert (len(kept) == 2) is stays


def test_no_more_than_the_limit_is_kept() -> None:
    boxes = [[i * 10.0, 0, i * 10 + 5.0, 5] for i in range(20)]
    assert _kept(boxes, [i / 20 for i in range(20)], limit=3) == [19, 18, 17]
