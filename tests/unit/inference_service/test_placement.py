from __future__ import annotations

import numpy as np
import pytest

from inference_service.placement import Rectangle, place_all, place_most

PICTURE = (640, 480)
LABEL = (100, 20)


def _overlap(one: Rectangle, other: Rectangle) -> int:
    width = min(one[2], other[2]) - max(one[0], other[0])
    return max(0, width) * max(0, min(one[3], other[3]) - max(one[1], other[1]))


@pytest.mark.parametrize(
    ("name", "box", "corner"),
    [
        ("room above", (200, 200, 300, 320), (200, 176)),
        ("at the top: below", (200, 0, 300, 120), (200, 124)),
        ("at the bottom: above", (200, 400, 300, 480), (200, 376)),
        ("at the right: moved in", (600, 200, 640, 300), (540, 176)),
        ("at the left", (0, 200, 40, 300), (0, 176)),
        ("over the whole height: beside", (200, 0, 300, 480), (304, 0)),
        ("over the whole height at the right: on the other side", (500, 0, 640, 480), (396, 0)),
        ("the whole picture: inside", (0, 0, 640, 480), (4, 4)),
    ],
)
def test_a_label_stands_beside_its_box_and_inside_the_picture(
    name: str, box: Rectangle, corner: tuple[int, int]
) -> None:
    places = place_all(PICTURE, [box], [LABEL], gap=4, taken=[])
    assert places is not None
    assert places[0].box == (*corner, corner[0] + 100, corner[1] + 20)


def test_a_label_keeps_off_what_is_taken() -> None:
    places = place_all(PICTURE, [(200, 200, 300, 320)], [LABEL], gap=4, taken=[(150, 150, 400, 199)])
    assert places is not None
    assert places[0].box == (200, 324, 300, 344)


def test_where_not_all_have_a_place_there_is_none() -> None:
    crowd = [(x, y, x + 30, y + 30) for x in range(0, 640, 32) for y in range(0, 480, 32)]
    assert place_all(PICTURE, crowd, [LABEL] * len(crowd), gap=2, taken=[]) is None


def test_a_crowd_gets_shorter_words_and_no_label_covers_another() -> None:
    random = np.random.default_rng(7)
    corners = zip(random.integers(0, 600, 120), random.integers(0, 440, 120), strict=True)
    boxes = [(int(x), int(y), int(x) + 20, int(y) + 24) for x, y in corners]
    places = place_most(PICTURE, boxes, [[LABEL, (34, 18)]] * len(boxes), gap=2, taken=[(0, 0, 200, 40)])
    given = [place for place in places if place is not None]
    assert {place.wording for place in given} == {0, 1}
    assert len(given) > len(boxes) / 2
    for number, place in enumerate(given):
        assert place.box[0] >= 0 <= place.box[1]
        assert place.box[2] <= PICTURE[0]
        assert place.box[3] <= PICTURE[1]
        assert _overlap(place.box, (0, 0, 200, 40)) == 0
        assert all(_overlap(place.box, other.box) == 0 for other in given[:number])


def test_a_label_that_stands_away_says_so() -> None:
    box = (300, 230, 320, 250)
    ring = [(200, 200, 420, 228), (200, 252, 420, 280), (200, 229, 298, 251), (322, 229, 420, 251)]
    [place] = place_most(PICTURE, [box], [[LABEL]], gap=2, taken=ring)
    assert place is not None
    assert place.far
    assert all(_overlap(place.box, one) == 0 for one in ring)


@pytest.mark.parametrize("size", [(700, 20), (100, 500)])
def test_a_label_larger_than_the_picture_has_no_place(size: tuple[int, int]) -> None:
    assert place_most(PICTURE, [(300, 200, 340, 240)], [[size]], gap=2, taken=[]) == [None]
