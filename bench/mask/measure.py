"""Matching of boxes with labelled faces, and what is counted from it. Pure numbers: no picture, no network, no file.

All boxes are x0 y0 x1 y1 in pixels. Everything that is counted keeps the number of its picture, so that a resample of
the pictures is a weight for each of them: `weights` are always R x P, one row a resample, and figures come as R values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Order of classes in labels and shares.
LABELS: Final = ("with_mask", "without_mask", "mask_worn_incorrectly")
WITH, WITHOUT, INCORRECT = range(3)

#: A box of which this much lies inside an ignored region is about somebody whom nobody labelled.
MIN_COVERED: Final = 0.5

#: What became of a box.
HIT, FALSE, NEITHER = 1, 0, -1


@dataclass(frozen=True)
class Truth:
    """What is known of a picture: boxes N x 4, labels N (indices of LABELS), ignored regions K x 4."""

    boxes: Floats
    labels: Ints
    ignored: Floats

    @property
    def sizes_px(self) -> Floats:
        """Square root of the area of each box."""
        return sizes(self.boxes)


@dataclass(frozen=True)
class Said:
    """What a system says of a picture.

    Attributes:
        boxes: N x 4.
        face: N, 0..1, how sure it is that there is a face.
        shares: N x 3, for each class its score divided by `face`; 0 for a class the system does not know.
    """

    boxes: Floats
    face: Floats
    shares: Floats

    @property
    def labels(self) -> Ints:
        """N, the class that would be printed."""
        return np.asarray(self.shares.argmax(axis=1), np.int64)

    @property
    def scores(self) -> Floats:
        """N, the score that would be printed."""
        return np.asarray(self.face * self.shares.max(axis=1, initial=0.0), np.float64)


@dataclass(frozen=True)
class Sizes:
    """A class of faces by size: from, below, in pixels."""

    name: str
    low: float = 0.0
    high: float = np.inf

    def hold(self, sizes_px: Floats) -> NDArray[np.bool_]:
        return np.asarray((sizes_px >= self.low) & (sizes_px < self.high), np.bool_)


def sizes(boxes: Floats) -> Floats:
    """Square roots of the areas of N boxes."""
    return np.asarray(np.sqrt(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)), np.float64)


def overlaps(boxes: Floats, others: Floats) -> tuple[Floats, Floats]:
    """Intersection over union, and the share of each box that lies in the other; both N x M."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    area, other_area = sizes(boxes)[:, None] ** 2, sizes(others)[None] ** 2
    return shared / np.maximum(area + other_area - shared, 1e-9), shared / np.maximum(area, 1e-9)


def match(union: Floats, scores: Floats, wanted: NDArray[np.bool_], min_overlap: float) -> Ints:
    """Give boxes their faces, best score first: each takes the free wanted face that it overlaps most.

    Args:
        union: intersection over union, N boxes x M faces.
        scores: N.
        wanted: M, which faces can be taken.
        min_overlap: least intersection over union of a match.

    Returns:
        N, the index of the face, or -1.
    """
    free = np.where(wanted[None], union, -1.0)
    taken = np.full(len(scores), -1, np.int64)
    if free.shape[1] == 0:
        return taken
    for box in np.argsort(-scores, kind="stable"):
        face = int(free[box].argmax())
        if free[box, face] >= min_overlap:
            taken[box] = face
            free[:, face] = -1.0
    return taken


def outcomes(
    truth: Truth,
    said: Said,
    scores: Floats,
    *,
    wanted: NDArray[np.bool_],
    unwanted: NDArray[np.bool_],
    min_overlap: float,
) -> Ints:
    """What became of each box: HIT a wanted face, FALSE, or NEITHER.

    Neither is a box that takes no wanted face and hits an unwanted one or an ignored region. How often these are hit
    does not matter.
    """
    union, _ = overlaps(said.boxes, truth.boxes)
    taken = match(union, scores, wanted, min_overlap)
    excused = (union[:, unwanted] >= min_overlap).any(axis=1) | in_ignored(truth, said.boxes, min_overlap)
    return np.where(taken >= 0, HIT, np.where(excused, NEITHER, FALSE))


def in_ignored(truth: Truth, boxes: Floats, min_overlap: float) -> NDArray[np.bool_]:
    """N, whether a box is about a region that nobody labelled."""
    union, covered = overlaps(boxes, truth.ignored)
    return np.asarray(((union >= min_overlap) | (covered >= MIN_COVERED)).any(axis=1), np.bool_)


@dataclass(frozen=True)
class Curve:
    """Boxes of all pictures by falling score, of which some hit.

    Attributes:
        scores: D, falling.
        hits: D, whether the box hit a wanted face.
        pictures: D, number of its picture.
        wanted: P, faces to be found in each picture.
    """

    scores: Floats
    hits: NDArray[np.bool_]
    pictures: Ints
    wanted: Floats

    @property
    def faces(self) -> int:
        return int(self.wanted.sum())

    def points(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """Scores K, precision and recall R x K, at every score that occurs; recall is NaN without faces."""
        last = np.flatnonzero(np.diff(self.scores, append=-np.inf))
        drawn = weights[:, self.pictures]
        found, said = (np.cumsum(part, axis=1)[:, last] for part in (drawn * self.hits, drawn))
        faces = (weights @ self.wanted)[:, None]
        precision = np.divide(found, said, out=np.zeros_like(found), where=said > 0)
        recall = np.divide(found, faces, out=np.full_like(found, np.nan), where=faces > 0)
        return self.scores[last], precision, recall

    def average_precision(self, weights: Floats) -> Floats:
        """R, area under the curve over all its points, precision made falling; NaN without faces."""
        if not len(self.scores):
            return np.where(weights @ self.wanted > 0, 0.0, np.nan)
        _, precision, recall = self.points(weights)
        falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        return np.asarray((np.diff(recall, axis=1, prepend=0.0) * falling).sum(axis=1), np.float64)

    def recall_at(self, min_precision: float, weights: Floats) -> Floats:
        """R, the highest recall at which precision is at least this; 0 where it never is, NaN without faces."""
        if not len(self.scores):
            return np.where(weights @ self.wanted > 0, 0.0, np.nan)
        _, precision, recall = self.points(weights)
        return np.asarray(np.where(precision >= min_precision, recall, recall * 0.0).max(axis=1), np.float64)

    def at_score(self, min_score: float, weights: Floats) -> tuple[Floats, Floats]:
        """Precision and recall (R each) of the boxes of at least this score; precision is NaN without boxes."""
        chosen = self.scores >= min_score
        drawn = weights[:, self.pictures[chosen]]
        found, said, faces = drawn @ self.hits[chosen].astype(float), drawn.sum(axis=1), weights @ self.wanted
        nothing = np.full_like(found, np.nan)
        precision = np.divide(found, said, out=nothing.copy(), where=said > 0)
        return precision, np.divide(found, faces, out=nothing, where=faces > 0)


def class_curve(
    truths: Sequence[Truth],
    said: Sequence[Said],
    label: int | None,
    *,
    min_overlap: float,
    sizes_px: Sizes = Sizes("all"),
    one_label: bool = False,
    own_face_score: bool = False,
) -> Curve:
    """The curve of a class, or of all faces together.

    Args:
        truths: what is known, a picture each.
        said: what the system says, in the same order.
        label: index of LABELS; None counts faces whatever their label.
        min_overlap: least intersection over union of a match.
        sizes_px: faces of other sizes count neither way, and boxes of other sizes that hit nothing.
        one_label: a box counts only for its best class; otherwise for each class with that class's score.
        own_face_score: rank faces by `Said.face` instead of by the score that would be printed.
    """
    scores, hits, pictures, wanted_faces = [], [], [], []
    for number, (truth, one) in enumerate(zip(truths, said, strict=True)):
        score = _scores(one, label, one_label=one_label, own_face_score=own_face_score)
        asked = np.ones(len(truth.labels), bool) if label is None else truth.labels == label
        other = truth.labels == INCORRECT if label in (WITH, WITHOUT) else np.zeros(len(truth.labels), bool)
        fits = sizes_px.hold(truth.sizes_px)
        wanted, unwanted = asked & fits, other | (asked & ~fits)
        outcome = outcomes(truth, one, score, wanted=wanted, unwanted=unwanted, min_overlap=min_overlap)
        outcome[(outcome == FALSE) & ~sizes_px.hold(sizes(one.boxes))] = NEITHER
        kept = (outcome != NEITHER) & (score > 0)
        scores.append(score[kept])
        hits.append(outcome[kept] == HIT)
        pictures.append(np.full(int(kept.sum()), number, np.int64))
        wanted_faces.append(float(wanted.sum()))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return Curve(
        np.concatenate(scores)[order],
        np.concatenate(hits)[order],
        np.concatenate(pictures)[order],
        np.array(wanted_faces),
    )


def _scores(said: Said, label: int | None, *, one_label: bool, own_face_score: bool) -> Floats:
    if label is None:
        return said.face if own_face_score else said.scores
    own = said.face * said.shares[:, label]
    return np.asarray(np.where(said.labels == label, own, 0.0) if one_label else own, np.float64)


@dataclass(frozen=True)
class Verdicts:
    """Labelled faces that a box was found for.

    Attributes:
        pictures: N, number of the picture.
        labels: N, as labelled.
        said: N, as said.
        scores: N, the score that would be printed.
        sizes_px: N, of the labelled face.
        count: number of pictures.
    """

    pictures: Ints
    labels: Ints
    said: Ints
    scores: Floats
    sizes_px: Floats
    count: int

    def confusion(self, weights: Floats, *, min_score: float = 0.0, sizes_px: Sizes = Sizes("all")) -> Floats:
        """R x 3 x 3: faces labelled (rows) and said (columns)."""
        chosen = (self.scores >= min_score) & sizes_px.hold(self.sizes_px)
        cells = np.zeros((int(chosen.sum()), 9))
        cells[np.arange(len(cells)), self.labels[chosen] * 3 + self.said[chosen]] = 1.0
        return np.asarray((weights[:, self.pictures[chosen]] @ cells).reshape(-1, 3, 3), np.float64)


def verdicts(truths: Sequence[Truth], said: Sequence[Said], min_overlap: float) -> Verdicts:
    """Match boxes with faces whatever their class, best printed score first.

    Boxes above a score are the first of this order, so one matching serves every threshold.
    """
    rows: list[tuple[int, int, int, float, float]] = []
    for number, (truth, one) in enumerate(zip(truths, said, strict=True)):
        union, _ = overlaps(one.boxes, truth.boxes)
        everyone = np.ones(len(truth.labels), bool)
        for box, face in enumerate(match(union, one.scores, everyone, min_overlap)):
            if face >= 0:
                size = float(truth.sizes_px[face])
                rows.append((number, int(truth.labels[face]), int(one.labels[box]), float(one.scores[box]), size))
    columns = np.array(rows, np.float64).reshape(-1, 5).T
    pictures, labels, answers = (column.astype(np.int64) for column in columns[:3])
    return Verdicts(pictures, labels, answers, columns[3], columns[4], len(truths))


def accuracy(confusion: Floats) -> Floats:
    """R, share of the faces on the diagonal of R x K x K; NaN without faces."""
    faces = confusion.sum(axis=(1, 2))
    right = np.trace(confusion, axis1=1, axis2=2)
    return np.asarray(np.divide(right, faces, out=np.full_like(faces, np.nan), where=faces > 0), np.float64)


def macro_f1(confusion: Floats) -> Floats:
    """R, mean over the classes that were labelled or said; NaN when there are none."""
    right = np.diagonal(confusion, axis1=1, axis2=2)
    both = confusion.sum(axis=1) + confusion.sum(axis=2)
    each = np.divide(2 * right, both, out=np.full_like(both, np.nan), where=both > 0)
    known = ~np.isnan(each)
    total = np.where(known, each, 0.0).sum(axis=1)
    nothing = np.full_like(total, np.nan)
    return np.asarray(np.divide(total, known.sum(axis=1), out=nothing, where=known.any(axis=1)), np.float64)


def folded(confusion: Floats) -> Floats:
    """R x 2 x 2, protected or not: a mask worn incorrectly counts as none."""
    halves = np.array([[1, 0], [0, 1], [0, 1]], np.float64)
    return np.asarray(halves.T @ confusion @ halves, np.float64)


def resamples(pictures: int, count: int, seed: int = 1) -> Floats:
    """(1 + count) x pictures: first every picture once, then how often each was drawn of as many with replacement."""
    chance = np.random.default_rng(seed)
    drawn = chance.multinomial(pictures, np.full(pictures, 1 / pictures), size=count)
    return np.concatenate([np.ones((1, pictures)), drawn]).astype(np.float64)
