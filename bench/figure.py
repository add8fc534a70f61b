"""One figure and how it is shown: a JSON object a line, or a line for people; kept in bench/results either way."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """`ours` against `baseline`, both in `unit`; `ratio` is ours divided by the baseline.

    Without a baseline there is no ratio. `interval` holds the ratio in 95 of 100 repetitions, where that was estimated.
    """

    name: str
    ours: float
    baseline: float | None
    unit: str
    interval: tuple[float, float] | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.baseline if self.baseline else None

    def as_json(self) -> str:
        values = {**asdict(self), "ratio": self.ratio, "interval": self.interval}
        if self.interval is None:
            del values["interval"]
        return json.dumps({key: _rounded(value) for key, value in values.items()})

    def as_text(self) -> str:
        baseline = "         -" if self.baseline is None else f"{self.baseline:10.3f}"
        ratio = "-" if self.ratio is None else f"{self.ratio:.3f}"
        ends = f" ({self.interval[0]:.3f}-{self.interval[1]:.3f})" if self.interval else ""
        return f"{self.name:28} {self.ours:10.3f} {self.unit:4} baseline {baseline}  ratio {ratio}{ends}"


def _rounded(value: object) -> object:
    if isinstance(value, tuple):
        return [_rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def show(figures: Iterable[Figure], *, as_json: bool) -> None:
    """Print each figure as soon as it is there, and keep it."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.jsonl").open("a", encoding="utf-8") as kept:
        for figure in figures:
            print(figure.as_json() if as_json else figure.as_text(), flush=True)
            kept.write(figure.as_json() + "\n")
