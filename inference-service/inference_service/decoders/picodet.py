"""PicoDet and other detectors of PaddleDetection (Apache-2.0), with the suppression of doubles inside or without.

Layout with it: rows N x 6 of [label, score, x0, y0, x1, y1] and how many of them count. The network divides its boxes
by the input `scale_factor`; we feed 1, so they are pixels of the network's input. Low scores are among the rows.
Layout without it: boxes 1 x N x 4 (x0 y0 x1 y1, pixels of the input) and label scores 1 x C x N or 1 x N x C.
"""

from collections.abc import Sequence

import numpy as np

from inference_service.decoders.candidates import Candidates, Floats, ShapeMismatch, likeliest

#: Label, score, corners.
_ROW = 6

#: Name of the second input; the boxes are divided by what is fed.
SCALE_INPUT = "scale_factor"


def decode(outputs: Sequence[Floats], labels: int, min_score: float) -> Candidates:
    """Decode one picture.

    Args:
        outputs: as above, float32.
        labels: C.
        min_score: 0..1, boxes below are left out.

    Raises:
        ShapeMismatch: the outputs are neither of the two layouts.
    """
    rows = next((output for output in outputs if output.ndim == 2 and output.shape[1] == _ROW), None)  # noqa: PLR2004
    if rows is not None:
        count = next((int(np.nan_to_num(output[0])) for output in outputs if output.shape == (1,)), len(rows))
        return _from_rows(rows[: max(0, count)], labels, min_score)
    if len(outputs) == 2 and all(output.ndim == 3 and output.shape[0] == 1 for output in outputs):  # noqa: PLR2004
        for boxes, shares in (outputs, outputs[::-1]):
            places = boxes.shape[1]
            if boxes.shape[2] == 4 and shares.shape[1:] == (labels, places):  # noqa: PLR2004 - corners
                return likeliest(boxes[0], shares[0].T, min_score)
            if boxes.shape[2] == 4 and shares.shape[1:] == (places, labels):  # noqa: PLR2004 - corners
                return likeliest(boxes[0], shares[0], min_score)
    raise ShapeMismatch(f"N x {_ROW} and a count, or 1 x N x 4 and 1 x {labels} x N", outputs)


def _from_rows(rows: Floats, labels: int, min_score: float) -> Candidates:
    # Empty rows are filled up with label -1; a label beyond the list is no number we know.
    known = np.isfinite(rows).all(axis=1)
    rows = rows[known]
    kept = rows[(rows[:, 1] >= min_score) & (rows[:, 0] >= 0) & (rows[:, 0] < labels)]
    return Candidates(
        np.asarray(kept[:, 2:], np.float32),
        np.asarray(np.minimum(kept[:, 1], 1.0), np.float32),
        kept[:, 0].astype(np.intp),
    )
