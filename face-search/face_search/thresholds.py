"""How alike two faces must be: the cosine that a gallery of this size asks for. Pure; used by `searching`, `comparing`.

What is fixed is how often an unknown face may be taken for somebody: in `FALSE_ALARMS` of the looks. Whoever is
compared with N persons has N chances to be taken for one, so every single comparison may be wrong only

    rate(N) = min(PAIR_RATE, FALSE_ALARMS / N)

of the time, and `required(N)` is the cosine that this share of pairs of strangers reaches. (NIST's tests of 1:N
recognition count the same way: FPIR = 1 - (1 - FMR)^N, which is N x FMR while that is small.) N counts persons, not
pictures, because pictures of one person resemble the same strangers.

The shares were measured, see `Curve`; beyond what could be measured a straight line in the logarithm goes on, which is
careful: tails fall faster than that. A covered face has a curve of its own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import log10
from typing import Final

#: Share of looks at an unknown face that may end with a name.
FALSE_ALARMS: Final = 0.01
#: Share of comparisons of two strangers that may ever be called the same; what border gates are asked for.
PAIR_RATE: Final = 1e-3
#: Persons nearer to each other than this cosine are about equally near.
MARGIN: Final = 0.08


@dataclass(frozen=True, slots=True)
class Curve:
    """How many pairs of strangers reach a cosine: a straight line between points, in the logarithm of the share.

    Attributes:
        points: (cosine, share of pairs 0..1), cosines rising, shares falling; two at least.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Refuse what is no such curve.

        Raises:
            ValueError: points are missing, out of order or out of range.
        """
        if len(self.points) < 2:  # noqa: PLR2004 - a line takes two
            raise ValueError(f"false-match curve: expected two points at least, got {len(self.points)}")
        for (score, share), (next_score, next_share) in pairwise(self.points):
            if not (-1 <= score < next_score <= 1 and 1 >= share > next_share > 0):
                raise ValueError(
                    "false-match curve: expected cosines in -1..1 that rise and shares in 0..1 that fall, "
                    f"got {(score, share)} before {(next_score, next_share)}"
                )

    def share(self, score: float) -> float:
        """Give the share of pairs of strangers that reach this cosine."""
        (left, high), (right, low) = self._segment(bisect_right([point[0] for point in self.points], score))
        slope = (log10(low) - log10(high)) / (right - left)
        return float(min(1.0, 10 ** (log10(high) + slope * (score - left))))

    def score(self, share: float) -> float:
        """Give the cosine that this share of pairs of strangers reaches; 1 at most."""
        (left, high), (right, low) = self._segment(bisect_right([-point[1] for point in self.points], -share))
        slope = (right - left) / (log10(low) - log10(high))
        return min(1.0, max(-1.0, left + slope * (log10(share) - log10(high))))

    def _segment(self, after: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Give the two points between which, or beyond which, something lies that has `after` points before it."""
        end = min(max(after, 1), len(self.points) - 1)
        return self.points[end - 1], self.points[end]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What one embedding model asks for.

    Attributes:
        open: of two faces that can be seen.
        covered: of a pair of which one has mouth or nose hidden.
        margin: see `MARGIN`.
    """

    open: Curve
    covered: Curve
    margin: float = MARGIN

    def required(self, compared: int, *, covered: bool) -> float:
        """Give the cosine that one of `compared` comparisons has to reach.

        Raises:
            ValueError: nobody is compared.
        """
        if compared < 1:
            raise ValueError(f"compared: expected 1 or more, got {compared}")
        return self._curve(covered).score(min(PAIR_RATE, FALSE_ALARMS / compared))

    def false_match_rate(self, score: float, *, covered: bool) -> float:
        """Give the share of pairs of strangers, 0..1, whose cosine reaches `score`."""
        return self._curve(covered).share(score)

    def _curve(self, covered: bool) -> Curve:  # noqa: FBT001 - private
        return self.covered if covered else self.open


@dataclass(frozen=True, slots=True)
class _Measured:
    """Cosines at these shares of pairs of strangers."""

    shares: tuple[float, ...]
    open: tuple[float, ...]
    covered: tuple[float, ...]

    def thresholds(self) -> Thresholds:
        curves = [Curve(tuple(zip(row, self.shares, strict=True))) for row in (self.open, self.covered)]
        return Thresholds(open=curves[0], covered=curves[1])


#: Models that this code has numbers for. `xunshi bench faces --part curves` measured them; MODEL.md says on whom.
MEASURED: Final[Mapping[str, Thresholds]] = {
    "sface-2021dec": _Measured(
        shares=(0.5, 0.1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5),
        open=(0.098, 0.211, 0.263, 0.303, 0.342, 0.373, 0.404, 0.433, 0.459),
        covered=(0.082, 0.196, 0.249, 0.289, 0.327, 0.359, 0.390, 0.416, 0.440),
    ).thresholds(),
}


def of_model(model: str, own: Thresholds | None = None) -> Thresholds:
    """Give the thresholds of a model: those that its own description brings, else the measured ones.

    Raises:
        ValueError: nobody knows this model.
    """
    found = own or MEASURED.get(model)
    if found is None:
        raise ValueError(
            f"model {model!r}: expected one of {', '.join(sorted(MEASURED))}, or a description with shares"
        )
    return found
