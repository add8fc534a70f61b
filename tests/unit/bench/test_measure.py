"""Counting by hand what `bench.mask.measure` counts."""

from __future__ import annotations

import numpy as np
import pytest

from bench.mask.measure import (
    INCORRECT,
    WITH,
    WITHOUT,
    Curve,
    Said,
    Sizes,
    Truth,
    accuracy,
    class_curve,
    folded,
    macro_f1,
    match,
    overlaps,
    resamples,
    verdicts,
)

ONCE = np.ones((1, 1))


def box(x: float, side: float = 10.0, y: float = 0.0) -> list[float]:
    return [x, y, x + side, y + side]


def truth(*faces: tuple[list[float], int], ignored: list[list[float]] | None = None) -> Truth:
    boxes = np.array([place for place, _ in faces], float).reshape(-1, 4)
    labels = np.array([label for _, label in faces], np.int64)
    return Truth(boxes, labels, np.array(ignored or [], float).reshape(-1, 4))


def said(*boxes: tuple[list[float], float, tuple[float, float, float]]) -> Said:
    return Said(
        np.array([place for place, _, _ in boxes], float).reshape(-1, 4),
        np.array([face for _, face, _ in boxes], float),
        np.array([shares for _, _, shares in boxes], float).reshape(-1, 3),
    )


MASKED, BARE, WRONG = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def curve(hits: list[bool], scores: list[float], faces: float) -> Curve:
    return Curve(np.array(scores), np.array(hits), np.zeros(len(hits), np.int64), np.array([faces]))


@pytest.mark.parametrize(
    ("other", "union", "covered"),
    [
        (box(0), 1.0, 1.0),
        (box(5), 1 / 3, 0.5),
        (box(10), 0.0, 0.0),
        ([0, 0, 20, 20], 0.25, 1.0),
        ([2, 2, 2, 8], 0.0, 0.0),
    ],
)
def test_overlap(other: list[float], union: float, covered: float) -> None:
    found = overlaps(np.array([box(0)]), np.array([other], float))
    assert [part.item() for part in found] == pytest.approx([union, covered])


def test_the_best_box_chooses_first_and_takes_the_face_it_overlaps_most() -> None:
    union = np.array([[0.5, 0.6], [0.9, 0.7], [0.8, 0.0]])
    everyone = np.ones(2, bool)
    # 0.9 is the second box's score: it takes face 0, the first box face 1, the third finds nothing left
    assert match(union, np.array([0.8, 0.9, 0.7]), everyone, 0.4).tolist() == [1, 0, -1]
    assert match(union, np.array([0.9, 0.8, 0.7]), everyone, 0.4).tolist() == [1, 0, -1]
    assert match(union, np.array([0.1, 0.2, 0.9]), everyone, 0.4).tolist() == [-1, 1, 0]
    assert match(union, np.array([0.8, 0.9, 0.7]), everyone, 0.65).tolist() == [-1, 0, -1]


def test_the_overlap_that_is_asked_for_is_enough() -> None:
    assert match(np.array([[0.4]]), np.array([1.0]), np.ones(1, bool), 0.4).tolist() == [0]


def test_faces_that_are_not_wanted_are_not_taken() -> None:
    union = np.array([[0.9, 0.5]])
    assert match(union, np.array([1.0]), np.array([False, True]), 0.4).tolist() == [1]


@pytest.mark.parametrize(
    ("hits", "faces", "expected"),
    [
        ([True], 1, 1.0),
        ([True], 2, 0.5),
        ([False], 1, 0.0),
        ([False, True], 1, 0.5),
        # precision 1, 1/2, 2/3, 3/4 made falling from the right: 1, 3/4, 3/4, 3/4; a third of recall each
        ([True, False, True, True], 3, (1 + 0.75 + 0.75) / 3),
        ([True, True, False, True, False], 4, (1 + 1 + 0.75) / 4),
        ([], 2, 0.0),
    ],
)
def test_average_precision_over_all_points(hits: list[bool], faces: float, expected: float) -> None:
    scores = [1 - 0.1 * number for number in range(len(hits))]
    assert curve(hits, scores, faces).average_precision(ONCE) == pytest.approx([expected])


def test_equal_scores_are_one_point() -> None:
    """Whichever of the two comes first in the list, nobody can tell them apart by score."""
    for hits in ([True, False], [False, True]):
        assert curve(hits, [0.5, 0.5], 1).average_precision(ONCE) == pytest.approx([0.5])


def test_without_faces_there_is_no_figure() -> None:
    for one in (curve([], [], 0), curve([False], [0.5], 0)):
        assert np.isnan(one.average_precision(ONCE)).all()
        assert np.isnan(one.recall_at(0.95, ONCE)).all()


@pytest.mark.parametrize(
    ("hits", "precision", "expected"),
    [
        ([True, True, False, True], 0.95, 0.5),
        ([True, True, False, True], 0.75, 0.75),
        ([False, True, True, True], 0.75, 0.75),
        ([False, True, True, True], 0.95, 0.0),
        ([], 0.95, 0.0),
    ],
)
def test_recall_at_a_precision(hits: list[bool], precision: float, expected: float) -> None:
    scores = [1 - 0.1 * number for number in range(len(hits))]
    assert curve(hits, scores, 4).recall_at(precision, ONCE) == pytest.approx([expected])


def test_precision_and_recall_at_a_score() -> None:
    one = curve([True, False, True], [0.9, 0.6, 0.3], 4)
    for score, expected in ((0.6, (0.5, 0.25)), (0.0, (2 / 3, 0.5)), (0.95, (np.nan, 0.0))):
        found = [part.item() for part in one.at_score(score, ONCE)]
        assert found == pytest.approx(expected, nan_ok=True)


def test_a_box_on_an_ignored_region_counts_neither_way() -> None:
    known = truth((box(0), WITH), ignored=[box(100), box(200, 40)])
    answers = said(
        (box(0), 0.9, MASKED),
        (box(101), 0.95, MASKED),  # overlaps an ignored region
        (box(210, 12), 0.95, MASKED),  # lies inside a larger one
        (box(300), 0.8, MASKED),  # is about nobody
    )
    found = class_curve([known], [answers], None, min_overlap=0.4)
    assert found.scores.tolist() == [0.9, 0.8]
    assert found.hits.tolist() == [True, False]
    assert found.faces == 1


def test_a_labelled_face_goes_before_an_ignored_region() -> None:
    known = truth((box(0), WITH), ignored=[box(0)])
    assert class_curve([known], [said((box(0), 0.9, MASKED))], WITH, min_overlap=0.4).hits.tolist() == [True]


def test_of_two_boxes_on_a_face_the_second_is_false() -> None:
    answers = said((box(0), 0.9, MASKED), (box(1), 0.8, MASKED))
    assert class_curve([truth((box(0), WITH))], [answers], WITH, min_overlap=0.4).hits.tolist() == [True, False]


def test_a_face_of_another_class_makes_a_box_false_and_one_worn_incorrectly_does_not_count() -> None:
    known = truth((box(0), WITHOUT), (box(50), INCORRECT), (box(100), WITH))
    answers = said((box(0), 0.9, MASKED), (box(50), 0.8, MASKED), (box(100), 0.7, MASKED))
    found = class_curve([known], [answers], WITH, min_overlap=0.4)
    assert list(zip(found.scores, found.hits, strict=True)) == [(0.9, False), (0.7, True)]
    third = class_curve([known], [answers], INCORRECT, min_overlap=0.4)
    assert (len(third.scores), third.faces) == (0, 1)
    assert class_curve([known], [answers], None, min_overlap=0.4).hits.tolist() == [True, True, True]


def test_a_box_counts_for_every_class_with_its_score_or_for_its_best_alone() -> None:
    known, answers = [truth((box(0), WITHOUT))], [said((box(0), 0.8, (0.75, 0.25, 0.0)))]
    every = class_curve(known, answers, WITHOUT, min_overlap=0.4)
    assert (every.scores.tolist(), every.hits.tolist()) == ([pytest.approx(0.2)], [True])
    assert len(class_curve(known, answers, WITHOUT, min_overlap=0.4, one_label=True).scores) == 0
    assert class_curve(known, answers, None, min_overlap=0.4).scores.tolist() == [pytest.approx(0.6)]
    assert class_curve(known, answers, None, min_overlap=0.4, own_face_score=True).scores.tolist() == [0.8]


def test_faces_and_boxes_of_other_sizes_do_not_count() -> None:
    known = truth((box(0, 10), WITH), (box(100, 30), WITH))
    answers = said(
        (box(0, 10), 0.9, MASKED), (box(100, 30), 0.8, MASKED), (box(200, 10), 0.7, MASKED), (box(300, 30), 0.6, MASKED)
    )
    small = class_curve([known], [answers], WITH, min_overlap=0.4, sizes_px=Sizes("small", 0, 20))
    assert (small.faces, small.scores.tolist(), small.hits.tolist()) == (1, [0.9, 0.7], [True, False])
    large = class_curve([known], [answers], WITH, min_overlap=0.4, sizes_px=Sizes("large", 20))
    assert (large.faces, large.scores.tolist(), large.hits.tolist()) == (1, [0.8, 0.6], [True, False])


def test_a_picture_without_boxes_or_without_faces_is_counted() -> None:
    nobody, silent = truth(), said()
    found = class_curve([nobody, truth((box(0), WITH))], [said((box(0), 0.9, MASKED)), silent], WITH, min_overlap=0.4)
    assert (found.hits.tolist(), found.pictures.tolist(), found.wanted.tolist()) == ([False], [0], [0.0, 1.0])


def test_verdicts_are_of_faces_that_were_found() -> None:
    known = truth((box(0), WITH), (box(50), WITHOUT), (box(100), INCORRECT), (box(150), WITHOUT))
    answers = said((box(0), 0.9, MASKED), (box(50), 0.8, MASKED), (box(100), 0.3, WRONG))
    matched = verdicts([known], [answers], 0.4)
    assert matched.confusion(ONCE)[0].tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert matched.confusion(ONCE, min_score=0.5)[0].tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert matched.confusion(ONCE, sizes_px=Sizes("large", 20)).sum() == 0


def test_accuracy_and_macro_f1() -> None:
    confusion = np.array([[[8, 2, 0], [1, 9, 0], [1, 1, 2]]], float)
    assert accuracy(confusion) == pytest.approx([19 / 24])
    # F1 of a class: twice the right ones, by those labelled and those said
    assert macro_f1(confusion) == pytest.approx([(16 / 20 + 18 / 22 + 4 / 6) / 3])
    assert folded(confusion)[0].tolist() == [[8, 2], [2, 12]]
    assert accuracy(folded(confusion)) == pytest.approx([20 / 24])


def test_a_class_that_nobody_labelled_or_said_has_no_part_in_the_mean() -> None:
    assert macro_f1(np.diag([3.0, 1.0, 0.0])[None]) == pytest.approx([1.0])
    assert np.isnan(macro_f1(np.zeros((1, 3, 3)))).all()
    assert np.isnan(accuracy(np.zeros((1, 3, 3)))).all()


def test_resamples_are_the_same_every_time_and_begin_with_the_pictures_themselves() -> None:
    first, again = resamples(20, 50), resamples(20, 50)
    assert (first == again).all()
    assert (first[0] == 1).all()
    assert (first.sum(axis=1) == 20).all()
    assert not (first == resamples(20, 50, seed=2)).all()


def test_a_resample_counts_as_if_its_pictures_were_there_so_often() -> None:
    chance = np.random.default_rng(3)
    truths = [truth((box(0), WITH), (box(50), WITHOUT)) for _ in range(5)]
    answers = [
        said(*((box(float(x)), float(score), MASKED) for x, score in zip((0, 50, 90), chance.random(3), strict=True)))
        for _ in range(5)
    ]
    drawn = np.array([[0, 2, 1, 0, 2]], float)
    repeated = [number for number, times in enumerate(drawn[0]) for _ in range(int(times))]
    by_weight = class_curve(truths, answers, WITH, min_overlap=0.4)
    by_hand = class_curve([truths[i] for i in repeated], [answers[i] for i in repeated], WITH, min_overlap=0.4)
    alone = np.ones((1, 5))
    assert by_weight.average_precision(drawn) == pytest.approx(by_hand.average_precision(alone))
    assert by_weight.recall_at(0.5, drawn) == pytest.approx(by_hand.recall_at(0.5, alone))
    matched, matched_by_hand = (
        verdicts(*pair, 0.4)
        for pair in ((truths, answers), ([truths[i] for i in repeated], [answers[i] for i in repeated]))
    )
    assert (matched.confusion(drawn) == matched_by_hand.confusion(alone)).all()
