"""Timing in turns, and figures as they are printed. Nothing here waits for a clock."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.figure import Figure
from bench.pairs import per_second, ratio_interval, timed


def test_both_ways_take_turns_in_going_first() -> None:
    done: list[str] = []
    things = [
        (lambda: done.append("a"), lambda: done.append("A")),
        (lambda: done.append("b"), lambda: done.append("B")),
    ]
    times = timed(things, 3)
    assert "".join(done) == "aAbB" + "AaBb" + "aAbB"
    assert [part.shape for part in times] == [(2, 3), (2, 3)]
    assert all((part >= 0).all() for part in times)


def test_a_speed_is_of_the_medians_of_all_pictures() -> None:
    assert per_second(np.array([[0.1, 0.1, 9.0], [0.3, 0.3, 0.2]])) == pytest.approx(2 / 0.4)


def test_the_interval_holds_the_ratio_and_is_the_same_every_time() -> None:
    chance = np.random.default_rng(0)
    ours = chance.uniform(0.9, 1.1, (6, 30))
    theirs = ours * 1.5
    assert ratio_interval(ours, theirs) == pytest.approx((1.5, 1.5))
    other = chance.uniform(0.9, 1.1, (6, 30)) * 1.5
    low, high = ratio_interval(ours, other)
    assert low < per_second(ours) / per_second(other) < high
    assert ratio_interval(ours, other) == (low, high)


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (Figure("x", 3.0, 2.0, "s"), {"name": "x", "ours": 3.0, "baseline": 2.0, "unit": "s", "ratio": 1.5}),
        (Figure("x", 3.0, None, "s"), {"name": "x", "ours": 3.0, "baseline": None, "unit": "s", "ratio": None}),
        (
            Figure("x", 1.0, 3.0, "s", (0.12345, 0.5)),
            {"name": "x", "ours": 1.0, "baseline": 3.0, "unit": "s", "ratio": 0.3333, "interval": [0.1235, 0.5]},
        ),
    ],
)
def test_a_figure_is_one_json_object(figure: Figure, expected: dict[str, object]) -> None:
    assert json.loads(figure.as_json()) == expected
    assert figure.name in figure.as_text()
