"""SSD in its three exports.

`detections`: 1 x 1 x N x 7 of [picture, label, score, x0, y0, x1, y1], corners as shares of the input (Caffe's
DetectionOutput, OpenVINO's own networks). `boxes`: corners 1 x N x 4 as shares and label scores 1 x N x C (Ultra-Light
face detectors). `priors`: offsets 1 x N x 4 from fixed boxes, and label scores 1 x N x C (AIZOO's mask detector, whose
README gives sizes, ratios, order and variances; the fixed boxes are those of Liu et al., "SSD", 2016). In the last two
C may be one more than there are labels: then the first is "nothing".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_service.decoders.candidates import (
    MAX_LOG_SIZE,
    Candidates,
    Floats,
    ShapeMismatch,
    from_centres,
    likeliest,
)

#: Picture, label, score, corners.
_ROW = 7


@dataclass(frozen=True, slots=True)
class Priors:
    """Fixed boxes: square grids, and in every cell first a square of each size, then the first size in each ratio.

    Attributes:
        grids: cells a side of each grid.
        sizes: of each grid, sides of the squares as shares of the input.
        ratios: width to height of the further boxes, the same in every grid.
        variances: what the offsets of centre x, centre y, width, height are multiplied with.
    """

    grids: tuple[int, ...]
    sizes: tuple[tuple[float, ...], ...]
    ratios: tuple[float, ...]
    variances: tuple[float, float, float, float]

    @property
    def count(self) -> int:
        """How many boxes there are."""
        return sum(n * n * (len(sizes) + len(self.ratios)) for n, sizes in zip(self.grids, self.sizes, strict=True))

    def boxes(self) -> Floats:
        """Give the boxes, N x 4: centre x, centre y, width, height as shares of the input."""
        parts = []
        for cells, sizes in zip(self.grids, self.sizes, strict=True):
            middles = (np.arange(cells, dtype=np.float64) + 0.5) / cells
            y, x = np.meshgrid(middles, middles, indexing="ij")
            wide = [*sizes, *(sizes[0] * np.sqrt(ratio) for ratio in self.ratios)]
            high = [*sizes, *(sizes[0] / np.sqrt(ratio) for ratio in self.ratios)]
            shape = np.stack([wide, high], axis=1)
            centres = np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), len(shape), axis=0)
            parts.append(np.concatenate([centres, np.tile(shape, (cells * cells, 1))], axis=1))
        return np.concatenate(parts).astype(np.float32)


def decode_detections(
    outputs: Sequence[Floats], labels: int, min_score: float, input_size: tuple[int, int], *, first_label: int
) -> Candidates:
    """Decode the layout `detections` of one picture.

    Args:
        outputs: as above, float32; the first is read.
        labels: C.
        min_score: 0..1, boxes below are left out.
        input_size: height and width of the network's input, pixels.
        first_label: what the network calls our first label; 1 where 0 is "nothing".

    Raises:
        ShapeMismatch: the output is not 1 x 1 x N x 7.
    """
    if not outputs or outputs[0].ndim != 4 or outputs[0].shape[:2] != (1, 1) or outputs[0].shape[3] != _ROW:  # noqa: PLR2004
        raise ShapeMismatch(f"1 x 1 x N x {_ROW}", outputs)
    rows = outputs[0][0, 0]
    rows = rows[np.isfinite(rows).all(axis=1)]
    index = rows[:, 1] - first_label
    kept = (rows[:, 0] >= 0) & (rows[:, 2] >= min_score) & (index >= 0) & (index < labels)
    return Candidates(
        np.asarray(rows[kept, 3:] * _sides(input_size), np.float32),
        np.asarray(np.minimum(rows[kept, 2], 1.0), np.float32),
        index[kept].astype(np.intp),
    )


def decode_boxes(
    outputs: Sequence[Floats],
    labels: int,
    min_score: float,
    input_size: tuple[int, int],
    priors: tuple[Floats, tuple[float, float, float, float]] | None = None,
) -> Candidates:
    """Decode the layouts `boxes` (without priors) and `priors` of one picture; arguments as above.

    Args:
        outputs: boxes or offsets and label scores, in either order.
        labels: C.
        min_score: 0..1, boxes below are left out.
        input_size: height and width of the network's input, pixels.
        priors: the fixed boxes (`Priors.boxes`) and their variances.

    Raises:
        ShapeMismatch: the outputs are not 1 x N x 4 and 1 x N x C (or C + 1), or N is not the number of priors.
    """
    places = "N" if priors is None else str(len(priors[0]))
    for boxes, shares in (outputs, outputs[::-1]) if len(outputs) == 2 else ():  # noqa: PLR2004 - boxes and scores
        if not _fit(boxes, shares, labels, None if priors is None else len(priors[0])):
            continue
        corners = boxes[0] if priors is None else _moved(boxes[0], *priors)
        return likeliest(corners * _sides(input_size), shares[0][:, -labels:], min_score)
    raise ShapeMismatch(f"1 x {places} x 4 and 1 x {places} x {labels} (or {labels + 1})", outputs)


def _fit(boxes: Floats, shares: Floats, labels: int, places: int | None) -> bool:
    rows = boxes.shape[1] if boxes.ndim == 3 else -1  # noqa: PLR2004 - batch, rows, columns
    return (
        rows == (places or rows)
        and boxes.shape == (1, rows, 4)
        and shares.shape in ((1, rows, labels), (1, rows, labels + 1))
    )


def _moved(offsets: Floats, priors: Floats, variances: tuple[float, float, float, float]) -> Floats:
    steps = offsets * np.asarray(variances, np.float32)
    centres = priors[:, :2] + steps[:, :2] * priors[:, 2:]
    sizes = priors[:, 2:] * np.exp(np.minimum(steps[:, 2:], MAX_LOG_SIZE))
    return from_centres(np.concatenate([centres, sizes], axis=1))


def _sides(input_size: tuple[int, int]) -> Floats:
    height, width = input_size
    return np.array([width, height, width, height], np.float32)
