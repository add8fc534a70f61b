"""The figures as Markdown for people and as JSON for programs: two systems side by side, with 95 % intervals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from bench.mask.figures import BEST, SIZES, Figures, Key
from bench.mask.measure import Floats

#: Share of the resamples between the ends of an interval.
INTERVAL: Final = (2.5, 97.5)
_DIGITS: Final = 4

#: What is promised on sources that training did not know.
TARGETS: Final = (
    (Key("mean AP of with and without", 0.4), 0.93),
    (Key(f"accuracy, two classes, {BEST}", 0.4), 0.98),
    (Key("recall of without_mask at 95% precision", 0.4, ">= 20 px"), 0.90),
    (Key(f"macro-F1, three classes, {BEST}", 0.4), 0.85),
)


def interval(values: Floats) -> tuple[float, float] | None:
    """The ends between which 95 % of the resamples lie; None when there are none, or no figure."""
    drawn = values[1:]
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn) or np.isnan(values[0]):
        return None
    low, high = np.percentile(drawn, INTERVAL)
    return float(low), float(high)


def as_json(systems: dict[str, Figures], title: str, pictures: int) -> dict[str, Any]:
    """Everything, rounded; the difference is the first system less the second, on the same resamples."""
    names = list(systems)
    rows: list[dict[str, Any]] = []
    for key in systems[names[0]].values:
        row: dict[str, Any] = {"figure": key.figure, "overlap": key.overlap, "size": key.size}
        for name in names:
            row[name] = _value(systems[name].values[key]) | {"faces": systems[name].faces[key]}
        if len(names) > 1:
            row["difference"] = _value(systems[names[0]].values[key] - systems[names[1]].values[key])
        rows.append(row)
    best = {name: figures.best_score for name, figures in systems.items()}
    return {"title": title, "pictures": pictures, "best_threshold": best, "figures": rows}


def _value(values: Floats) -> dict[str, Any]:
    ends = interval(values)
    return {
        "value": None if np.isnan(values[0]) else round(float(values[0]), _DIGITS),
        "interval": None if ends is None else [round(end, _DIGITS) for end in ends],
    }


def as_markdown(systems: dict[str, Figures], title: str, pictures: int) -> Iterator[str]:
    """What is promised first, then one table an overlap: a line a figure and system, a column a size of face.

    `-`: there are no such faces.
    """
    first = next(iter(systems.values()))
    yield f"## {title}: {pictures} pictures"
    yield ""
    yield "Best thresholds: " + ", ".join(f"{name} {one.best_score:.2f}" for name, one in systems.items()) + "."
    yield ""
    yield "| promise | target | " + " | ".join(systems) + " | difference |"
    yield "|---|---|" + "---|" * (len(systems) + 1)
    for key, target in TARGETS:
        values = [one.values[key] for one in systems.values()]
        cells = [_cell(one, whole=True) for one in values]
        cells.append(_cell(values[0] - values[1], whole=True) if len(values) > 1 else "")
        yield f"| {key.figure}, {key.size} | {target} | " + " | ".join(cells) + " |"
    for overlap in sorted({key.overlap for key in first.values}):
        yield ""
        yield f"IoU {overlap}; 95 % intervals over pictures for all faces."
        yield ""
        yield "| figure | system | " + " | ".join(size.name for size in SIZES) + " |"
        yield "|---|---|" + "---|" * len(SIZES)
        for figure in dict.fromkeys(key.figure for key in first.values if key.overlap == overlap):
            for name, figures in systems.items():
                yield _line(figures, figure, overlap, name)


def _line(figures: Figures, figure: str, overlap: float, system: str) -> str:
    cells = []
    for size in SIZES:
        values = figures.values.get(Key(figure, overlap, size.name))
        cells.append("" if values is None else _cell(values, whole=size.name == "all"))
    return f"| {figure} | {system} | " + " | ".join(cells) + " |"


def _cell(values: Floats, *, whole: bool) -> str:
    if np.isnan(values[0]):
        return "-"
    ends = interval(values)
    return f"{values[0]:.3f}" + (f" ({ends[0]:.3f}-{ends[1]:.3f})" if whole and ends else "")
