"""YOLOv5 (also v7): one row a place, with a score for "something is here" apart from the scores of the labels.

Layout: the exports of ultralytics/yolov5 and WongKinYiu/yolov7 with the detection layer inside, 1 x N x (5 + C):
centre x, centre y, width, height in pixels of the input, objectness 0..1, then C label scores 0..1. Older exports give
the raw grids as further outputs; they are not looked at.
"""

from collections.abc import Sequence

from inference_service.decoders.candidates import Candidates, Floats, ShapeMismatch, from_centres, likeliest

#: Centre, size, objectness.
_BEFORE_LABELS = 5


def decode(outputs: Sequence[Floats], labels: int, min_score: float) -> Candidates:
    """Decode one picture; the score of a label is objectness times label score.

    Args:
        outputs: as above, float32.
        labels: C.
        min_score: 0..1, boxes below are left out.

    Raises:
        ShapeMismatch: no output is 1 x N x (5 + C).
    """
    columns = _BEFORE_LABELS + labels
    for output in outputs:
        if output.ndim == 3 and output.shape[0] == 1 and output.shape[2] == columns:  # noqa: PLR2004 - batch, rows, columns
            rows = output[0]
            return likeliest(from_centres(rows), rows[:, 4:5] * rows[:, _BEFORE_LABELS:], min_score)
    raise ShapeMismatch(f"1 x N x {columns} (box, objectness, {labels} labels)", outputs)
