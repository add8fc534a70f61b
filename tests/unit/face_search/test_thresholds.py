from __future__ import annotations

import math

import pytest

from face_search.comparing import Limits
from face_search.thresholds import FALSE_ALARMS, MEASURED, PAIR_RATE, Curve, Thresholds, of_model

#: A decade of strangers every 0.05.
DECADES = Curve(((0.2, 1e-1), (0.25, 1e-2), (0.3, 1e-3)))
LATER = Curve(((0.3, 1e-1), (0.35, 1e-2), (0.4, 1e-3)))


@pytest.mark.parametrize(
    ("score", "share"),
    [
        (0.2, 1e-1),
        (0.225, 10**-1.5),  # between two points
        (0.3, 1e-3),
        (0.35, 1e-4),  # beyond the last one
        (0.15, 1.0),
        (-1.0, 1.0),  # never more than all of them
    ],
)
def test_a_curve_is_straight_in_the_logarithm(score: float, share: float) -> None:
    assert DECADES.share(score) == pytest.approx(share)
    if share < 1:
        assert DECADES.score(share) == pytest.approx(score)


def test_no_share_asks_for_more_than_the_same_picture() -> None:
    assert DECADES.score(1e-300) == 1.0


@pytest.mark.parametrize(
    "points",
    [
        ((0.2, 0.1),),
        ((0.2, 0.1), (0.2, 0.01)),  # no two shares at one cosine
        ((0.2, 0.1), (0.3, 0.1)),  # no line that is level
        ((0.3, 0.1), (0.2, 0.01)),
        ((0.2, 0.1), (0.3, 0.0)),  # nothing is never
        ((0.2, 1.5), (0.3, 0.1)),
        ((0.2, 0.1), (1.3, 0.01)),
        ((math.nan, 0.1), (0.3, 0.01)),
    ],
)
def test_what_is_no_curve_is_refused(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="false-match curve: expected"):
        Curve(points)


def test_ten_times_as_many_persons_ask_for_a_decade_more() -> None:
    limits = Thresholds(DECADES, LATER)
    assert limits.required(1_000, covered=False) == pytest.approx(0.4)
    assert limits.required(10_000, covered=False) == pytest.approx(0.45)
    assert limits.required(1_000, covered=True) == pytest.approx(0.5)


def test_the_share_of_false_alarms_is_kept_whatever_the_size() -> None:
    limits = MEASURED["sface-2021dec"]
    before = -1.0
    for persons in (1, 5, 10, 11, 100, 1_000, 10_000, 100_000):
        required = limits.required(persons, covered=False)
        alarms = 1 - (1 - limits.false_match_rate(required, covered=False)) ** persons
        assert alarms <= FALSE_ALARMS
        assert before <= required < 0.65
        before = required


def test_a_single_comparison_is_held_to_the_rate_of_pairs() -> None:
    limits: Limits = MEASURED["sface-2021dec"]
    assert limits.false_match_rate(limits.required(1, covered=True), covered=True) == pytest.approx(PAIR_RATE)
    # what OpenCV recommends for clean photos
    assert limits.required(1, covered=False) == pytest.approx(0.363, abs=0.015)


@pytest.mark.parametrize("compared", [0, -1])
def test_somebody_must_be_compared(compared: int) -> None:
    with pytest.raises(ValueError, match="compared: expected 1 or more"):
        MEASURED["sface-2021dec"].required(compared, covered=False)


def test_an_own_model_brings_its_thresholds() -> None:
    own = Thresholds(DECADES, LATER)
    assert of_model("own-1", own) is own
    assert of_model("sface-2021dec") is MEASURED["sface-2021dec"]
    with pytest.raises(ValueError, match="model 'own-1': expected one of sface-2021dec"):
        of_model("own-1")
