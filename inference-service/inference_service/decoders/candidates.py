"""What all decoders give, and what is done with it: boxes with a label and a score, the repetitions taken out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.models.overlap import keep_distinct

Floats = NDArray[np.float32]

#: More boxes than this are never compared with each other: a network that finds so many things finds noise.
MAX_CANDIDATES = 3000

#: Sizes are often given as logarithms; beyond this the box is far larger than any picture and the power may overflow.
MAX_LOG_SIZE = 12.0


class ShapeMismatch(ValueError):
    """A network's outputs are not what the kind of decoding and the number of labels need."""

    def __init__(self, expected: str, outputs: Sequence[Floats]) -> None:
        got = ", ".join(shape_text(output.shape) for output in outputs) or "no output"
        super().__init__(f"expected {expected}, got {got}")


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes of one picture, unordered.

    Attributes:
        boxes: N x 4 float32, x0 y0 x1 y1 in pixels of the network's input.
        scores: N float32, 0..1.
        labels: N, index of the label.
    """

    boxes: Floats
    scores: Floats
    labels: NDArray[np.intp]


def likeliest(boxes: Floats, shares: Floats, min_score: float) -> Candidates:
    """Give each box its likeliest label and leave out what is below the least score or is no number.

    Args:
        boxes: N x 4 float32, x0 y0 x1 y1.
        shares: N x C float32, how probable each label is.
        min_score: 0..1.
    """
    labels = shares.argmax(axis=1)
    scores = shares[np.arange(len(shares)), labels]
    kept = np.flatnonzero((scores >= min_score) & np.isfinite(scores) & np.isfinite(boxes).all(axis=1))
    return Candidates(
        np.asarray(boxes[kept], np.float32), np.asarray(np.minimum(scores[kept], 1.0), np.float32), labels[kept]
    )


def from_centres(centres: Floats) -> Floats:
    """Turn N x 4 centre x, centre y, width, height into corners x0 y0 x1 y1."""
    half = centres[:, 2:4] / 2
    return np.concatenate([centres[:, :2] - half, centres[:, :2] + half], axis=1)


def distinct(found: Candidates, max_overlap: float, limit: int) -> Candidates:
    """Take out boxes that repeat a better one of the same label; best score first.

    Args:
        found: from a decoder.
        max_overlap: intersection over union above which two boxes of one label are one thing; 1 keeps all.
        limit: the most boxes to keep.
    """
    order = np.argsort(-found.scores, kind="stable")[:MAX_CANDIDATES]
    boxes, scores, labels = found.boxes[order], found.scores[order], found.labels[order]
    kept = [
        members[keep_distinct(boxes[members], scores[members], max_overlap, limit)]
        for label in np.unique(labels)
        for members in (np.flatnonzero(labels == label),)
    ]
    chosen = np.sort(np.concatenate(kept))[:limit] if kept else np.empty(0, np.intp)
    return Candidates(boxes[chosen], scores[chosen], labels[chosen])


def shape_text(shape: Sequence[int]) -> str:
    """Say a shape as people write it: 1 x 84 x 8400."""
    return " x ".join(map(str, shape)) or "a single number"
