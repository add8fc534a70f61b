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
    """`ours` against `baseline`, both in `unit`; `ratio` is ours divided by the baseline."""

    name: str
    ours: float
    baseline: float
    unit: str

    @property
    def ratio(self) -> float:
        return self.ours / self.baseline

    def as_json(self) -> str:
        rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}
        return json.dumps({**rounded, "ratio": round(self.ratio, 4)})

    def as_text(self) -> str:
        return f"{self.name:28} {self.ours:10.3f} {self.unit:4} baseline {self.baseline:10.3f}  ratio {self.ratio:.3f}"


def show(figures: Iterable[Figure], *, as_json: bool) -> None:
    """Print each figure as soon as it is there, and keep it."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.jsonl").open("a", encoding="utf-8") as kept:
        for figure in figures:
            print(figure.as_json() if as_json else figure.as_text(), flush=True)
            kept.write(figure.as_json() + "\n")
