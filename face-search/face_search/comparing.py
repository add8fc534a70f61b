"""Are these two the same: one face against another, and what that means in words. Pure; the route is in `web.searches`.

A cosine tells nobody anything. What can be told is how often two strangers are as alike as that, so the verdict is
given with the false-match rate of the threshold, as a share and as "1 pair in N".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

#: Same: the threshold is reached. Unsure: nearly. Different: not.
Verdict = Literal["same", "unsure", "different"]
Language = Literal["zh-CN", "en"]


class Limits(Protocol):
    """What is known of how alike strangers can be; see `thresholds`."""

    @property
    def margin(self) -> float:
        """Scores nearer to each other than this cosine are about the same."""
        ...

    def required(self, compared: int, *, covered: bool) -> float:
        """Give the cosine that one of `compared` comparisons has to reach."""
        ...

    def false_match_rate(self, score: float, *, covered: bool) -> float:
        """Give the share of pairs of strangers, 0..1, whose cosine reaches `score`."""
        ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """How alike two faces are.

    Attributes:
        score: greatest cosine between pictures of the two, -1..1.
        threshold: what it had to reach.
        verdict: see there.
        false_match_rate: share of pairs of strangers that reach the threshold.
        covered: mouth or nose cannot be seen on one of them.
    """

    score: float
    threshold: float
    verdict: Verdict
    false_match_rate: float
    covered: bool

    def words(self, language: Language) -> str:
        """Say it to somebody who has never heard of a cosine."""
        text = _WORDS[language]
        pairs = _rounded(1 / max(self.false_match_rate, 1e-9))
        parts = [text[self.verdict], text["rate"].format(pairs=f"{pairs:,}")]
        if self.covered:
            parts.append(text["covered"])
        return text["between"].join(parts)


_WORDS: Final[dict[Language, dict[str, str]]] = {
    "zh-CN": {
        "same": "很可能是同一个人。",
        "unsure": "无法确定：相似，但没有达到判定为同一人的标准，请人工核对。",
        "different": "不像同一个人。",
        "rate": "两个不同的人，约 {pairs} 对中才有 1 对达到这个标准。",
        "covered": "口鼻被遮挡，结论不如露出全脸时可靠。",
        "between": "",
    },
    "en": {
        "same": "Very likely the same person.",
        "unsure": "Cannot be told: alike, but not as alike as the same person is asked to be. Please look yourself.",
        "different": "Not like the same person.",
        "rate": "Of pairs of different people about 1 in {pairs} is as alike as is asked.",
        "covered": "Mouth or nose cannot be seen, so this is less reliable than with open faces.",
        "between": " ",
    },
}


def compare(
    one: NDArray[np.float32], other: NDArray[np.float32], limits: Limits, *, covered: bool, compared: int = 1
) -> Comparison:
    """Compare two faces, N x D and M x D float32 of length 1: pictures of each.

    `compared`: how many pairs of faces were asked about at once; a stranger is the likelier the more they are.
    """
    score = float(np.clip((one @ other.T).max(), -1.0, 1.0))
    threshold = limits.required(compared, covered=covered)
    verdict: Verdict = "same" if score >= threshold else "unsure" if score > threshold - limits.margin else "different"
    return Comparison(score, threshold, verdict, limits.false_match_rate(threshold, covered=covered), covered)


def _rounded(number: float) -> int:
    """Two digits are all that such a figure has."""
    digits = max(0, len(str(int(number))) - 2)
    step = int(10**digits)
    return max(1, round(number / step)) * step
