from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from face_search.comparing import Comparison, Verdict, compare


class Stated:
    """Thresholds of a model with which a stranger in a thousand reaches 0.4, and as many 0.5 of covered faces."""

    margin = 0.05

    def required(self, compared: int, *, covered: bool) -> float:
        return (0.5 if covered else 0.4) + 0.05 * (compared - 1)

    def false_match_rate(self, score: float, *, covered: bool) -> float:
        return float(10 ** (-3 - (score - (0.5 if covered else 0.4)) / 0.1))


def at(*degrees: float) -> NDArray[np.float32]:
    """Vectors at these angles of a plane."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("cosine", "covered", "verdict"),
    [
        (0.41, False, "same"),
        (0.39, False, "unsure"),
        (0.34, False, "different"),
        (0.41, True, "different"),
        (0.46, True, "unsure"),
    ],
)
def test_the_verdict_follows_the_threshold_of_what_can_be_seen(cosine: float, covered: bool, verdict: Verdict) -> None:
    found = compare(at(0), at(np.degrees(np.arccos(cosine))), Stated(), covered=covered)
    assert (found.verdict, found.covered) == (verdict, covered)
    assert found.score == pytest.approx(cosine, abs=1e-6)
    assert found.false_match_rate == pytest.approx(0.001)


def test_of_several_pictures_the_most_alike_count() -> None:
    assert compare(at(0, 90), at(95, 200), Stated(), covered=False).score == pytest.approx(np.cos(np.radians(5)))


def test_the_same_picture_is_not_more_than_alike() -> None:
    vectors = np.full((1, 128), 1 / np.sqrt(128), np.float32)
    assert compare(vectors, vectors * np.float32(1.0000005), Stated(), covered=False).score == 1.0


def test_many_comparisons_at_once_ask_for_more() -> None:
    found = compare(at(0), at(60), Stated(), covered=False, compared=3)
    assert found.threshold == pytest.approx(0.5)
    assert found.verdict == "same"
    assert found.false_match_rate == pytest.approx(1e-4)


@pytest.mark.parametrize(
    ("rate", "pairs"),
    [(0.001, "1,000"), (0.00103, "970"), (0.013, "77"), (3.2e-6, "310,000"), (0.0, "1,000,000,000"), (1.0, "1")],
)
def test_the_rate_is_told_as_pairs_with_two_digits(rate: float, pairs: str) -> None:
    found = Comparison(0.5, 0.4, "same", rate, covered=False)
    assert f"1 in {pairs} " in found.words("en")
    assert f"约 {pairs} 对" in found.words("zh-CN")


def test_each_verdict_has_its_own_words_in_both_languages() -> None:
    verdicts: list[Verdict] = ["same", "unsure", "different"]
    every = [Comparison(0.5, 0.4, one, 0.001, covered) for one in verdicts for covered in (False, True)]
    for language in ("zh-CN", "en"):
        assert len({one.words(language) for one in every}) == 6
    assert "口鼻被遮挡" in every[1].words("zh-CN")
    assert "口鼻被遮挡" not in every[0].words("zh-CN")
