"""The figures of one system on one set of pictures: `measure` counts, this names what is counted. `table` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.mask.measure import (
    INCORRECT,
    LABELS,
    WITH,
    WITHOUT,
    Floats,
    Said,
    Sizes,
    Truth,
    accuracy,
    class_curve,
    folded,
    macro_f1,
    verdicts,
)

#: Sources draw boxes differently; the smaller one is the main figure.
OVERLAPS: Final = (0.4, 0.5)
ALL: Final = Sizes("all")
SIZES: Final = (
    ALL,
    Sizes("< 20 px", 0, 20),
    Sizes("20-40 px", 20, 40),
    Sizes("40-80 px", 40, 80),
    Sizes("> 80 px", 80),
    Sizes(">= 20 px", 20),
)
#: At this precision an alarm is believed.
PRECISION: Final = 0.95
#: Thresholds that are tried.
SWEEP: Final = tuple(round(score, 2) for score in np.arange(0.04, 0.97, 0.02))


@dataclass(frozen=True)
class Key:
    """What is measured, at which overlap, on which faces."""

    figure: str
    overlap: float
    size: str = "all"


@dataclass(frozen=True)
class Figures:
    """Values R of each figure (the first is the figure, the rest its resamples), and over how many faces."""

    values: dict[Key, Floats]
    faces: dict[Key, int]
    best_score: float


def measure(truths: Sequence[Truth], said: Sequence[Said], weights: Floats, default_score: float) -> Figures:
    """Measure everything.

    Args:
        truths: what is known, a picture each.
        said: what the system says, in the same order.
        weights: R x pictures, from `measure.resamples`.
        default_score: the threshold with which the system is commonly used.
    """
    rows: list[tuple[Key, Floats, int]] = []
    for overlap in OVERLAPS:
        rows += _precisions(truths, said, weights, overlap)
    best, at_best = _swept(truths, said, weights, OVERLAPS[0])
    rows += at_best
    for words, score in ((BEST, best), (DEFAULT, default_score)):
        rows += _classes(truths, said, weights, OVERLAPS[0], words=words, score=score)
    return Figures({key: values for key, values, _ in rows}, {key: count for key, _, count in rows}, best)


BEST: Final = "best threshold"
DEFAULT: Final = "default threshold"


def _precisions(
    truths: Sequence[Truth], said: Sequence[Said], weights: Floats, overlap: float
) -> Iterator[tuple[Key, Floats, int]]:
    for size in SIZES:
        both = []
        for label in (None, WITH, WITHOUT, INCORRECT):
            name = "face" if label is None else LABELS[label]
            curve = class_curve(truths, said, label, min_overlap=overlap, sizes_px=size)
            precision = curve.average_precision(weights)
            yield Key(f"AP {name}", overlap, size.name), precision, curve.faces
            if label in (WITH, WITHOUT):
                both.append((precision, curve.faces))
            if label == WITHOUT:
                key = Key(f"recall of {name} at {PRECISION:.0%} precision", overlap, size.name)
                yield key, curve.recall_at(PRECISION, weights), curve.faces
        mean = (both[0][0] + both[1][0]) / 2
        yield Key("mean AP of with and without", overlap, size.name), mean, both[0][1] + both[1][1]
        one_label = [
            class_curve(truths, said, label, min_overlap=overlap, sizes_px=size, one_label=True)
            for label in (WITH, WITHOUT)
        ]
        mean = (one_label[0].average_precision(weights) + one_label[1].average_precision(weights)) / 2
        yield Key("mean AP, one label a box", overlap, size.name), mean, both[0][1] + both[1][1]


def _swept(
    truths: Sequence[Truth], said: Sequence[Said], weights: Floats, overlap: float
) -> tuple[float, list[tuple[Key, Floats, int]]]:
    """The threshold with the best mean F1 of with and without, one label a box, and the figures there."""
    curves = {
        label: class_curve(truths, said, label, min_overlap=overlap, one_label=True)
        for label in (WITH, WITHOUT, INCORRECT)
    }
    best = max(
        SWEEP, key=lambda score: _mean_f1([curves[each].at_score(score, weights[:1]) for each in (WITH, WITHOUT)])
    )
    rows: list[tuple[Key, Floats, int]] = []
    for label, curve in curves.items():
        precision, recall = curve.at_score(best, weights)
        for name, values in (("precision", precision), ("recall", recall), ("F1", _f1(precision, recall))):
            rows.append((Key(f"{name} of {LABELS[label]}, {BEST}", overlap), values, curve.faces))
    return best, rows


def _mean_f1(points: list[tuple[Floats, Floats]]) -> float:
    return float(np.mean([_f1(precision, recall)[0] for precision, recall in points]))


def _f1(precision: Floats, recall: Floats) -> Floats:
    total = np.nan_to_num(precision) + np.nan_to_num(recall)
    return np.divide(
        2 * np.nan_to_num(precision) * np.nan_to_num(recall), total, out=np.zeros_like(total), where=total > 0
    )


def _classes(
    truths: Sequence[Truth], said: Sequence[Said], weights: Floats, overlap: float, *, words: str, score: float
) -> Iterator[tuple[Key, Floats, int]]:
    """Class figures on the faces that a box of at least `score` was found for."""
    matched = verdicts(truths, said, overlap)
    for size in SIZES:
        every = matched.confusion(weights, min_score=score, sizes_px=size)
        labelled = sum(int(size.hold(truth.sizes_px).sum()) for truth in truths)
        two = every.copy()
        two[:, INCORRECT] = 0  # of the faces labelled with or without
        for name, figure, confusion in (
            ("accuracy, two classes", accuracy, folded(two)),
            ("macro-F1, two classes", macro_f1, folded(two)),
            ("accuracy, two classes, third is wrong", accuracy, two),
            ("accuracy, protected or not", accuracy, folded(every)),
            ("macro-F1, protected or not", macro_f1, folded(every)),
            ("accuracy, three classes", accuracy, every),
            ("macro-F1, three classes", macro_f1, every),
        ):
            yield Key(f"{name}, {words}", overlap, size.name), figure(confusion), int(confusion[0].sum())
        found = every.sum(axis=(1, 2))
        faces = weights @ np.array([float(size.hold(truth.sizes_px).sum()) for truth in truths])
        share = np.divide(found, faces, out=np.full_like(faces, np.nan), where=faces > 0)
        yield Key(f"faces found, {words}", overlap, size.name), share, labelled
