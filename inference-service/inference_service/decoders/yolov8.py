"""YOLOv8 and YOLO11: one column a place, no objectness.

Layout: the export of ultralytics without `nms=True`, 1 x (4 + C) x N: centre x, centre y, width, height in pixels of
the input, then C label scores 0..1. Some converters turn it into 1 x N x (4 + C), which is read, too; where both would
fit, the first is meant.
"""

from collections.abc import Sequence

from inference_service.decoders.candidates import Candidates, Floats, ShapeMismatch, from_centres, likeliest

#: Centre and size.
_BEFORE_LABELS = 4


def decode(outputs: Sequence[Floats], labels: int, min_score: float) -> Candidates:
    """Decode one picture.

    Args:
        outputs: as above, float32; the first is read.
        labels: C.
        min_score: 0..1, boxes below are left out.

    Raises:
        ShapeMismatch: the output is neither 1 x (4 + C) x N nor 1 x N x (4 + C).
    """
    lines = _BEFORE_LABELS + labels
    output = outputs[0] if outputs else None
    if output is not None and output.ndim == 3 and output.shape[0] == 1:  # noqa: PLR2004 - batch, lines, places
        if output.shape[1] == lines:
            rows = output[0].T
            return likeliest(from_centres(rows), rows[:, _BEFORE_LABELS:], min_score)
        if output.shape[2] == lines:
            rows = output[0]
            return likeliest(from_centres(rows), rows[:, _BEFORE_LABELS:], min_score)
    raise ShapeMismatch(f"1 x {lines} x N (box, {labels} labels)", outputs)
