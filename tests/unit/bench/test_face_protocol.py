"""The arithmetic behind figures of face verification, on cosines whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from bench.faces.protocol import accuracy, best_threshold, threshold_at, true_accepts


def test_pairs_that_lie_apart_are_all_told_rightly() -> None:
    scores = np.concatenate([np.linspace(0.5, 0.9, 100), np.linspace(-0.2, 0.4, 100)])
    same = np.arange(200) < 100
    assert accuracy(scores, same) == 1.0
    assert 0.4 < best_threshold(scores, same) <= 0.5
    assert true_accepts(scores, same, 1e-3) == 1.0


def test_scores_of_chance_are_told_as_chance() -> None:
    rng = np.random.default_rng(3)
    assert accuracy(rng.normal(size=4000), np.arange(4000) % 2 == 0) == pytest.approx(0.5, abs=0.03)


def test_a_pair_does_not_choose_the_threshold_it_is_asked_about() -> None:
    scores = np.concatenate([np.full(10, 0.8), np.full(10, 0.2)])
    scores[0] = 0.1  # alone in its fold: no threshold of the others tells it rightly
    assert accuracy(scores, np.arange(20) < 10) == pytest.approx(0.95)


def test_false_accepts_count_pairs_of_strangers_above_the_cosine() -> None:
    strangers = np.arange(1000) / 1000
    assert threshold_at(strangers, 1e-3) == pytest.approx(0.998)
    assert threshold_at(strangers, 1e-2) == pytest.approx(0.989)
    assert threshold_at(strangers[:500], 1e-3) == pytest.approx(0.499)  # less than a pair: none


def test_true_accepts_are_those_above_that_cosine() -> None:
    scores = np.concatenate([[0.1, 0.6, 0.7, 0.8], np.linspace(0.0, 0.65, 300)])
    assert true_accepts(scores, np.arange(304) < 4, 1e-3) == 0.5
