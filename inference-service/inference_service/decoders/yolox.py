"""YOLOX: one row a cell of three grids, with objectness; the boxes still have to be brought from cells to pixels.

Layout: the export of Megvii-BaseDetection/YOLOX (Apache-2.0), 1 x cells x (5 + C), the grids of the strides 8, 16, 32
one after another, each row by row: offset x, offset y of the centre in cells, logarithms of width and height in cells,
objectness 0..1, then C label scores 0..1. With `decode_in_inference` the network gives centre and size in pixels.
"""

from collections.abc import Sequence

import numpy as np

from inference_service.decoders.candidates import (
    MAX_LOG_SIZE,
    Candidates,
    Floats,
    ShapeMismatch,
    from_centres,
    likeliest,
)

#: Centre, size, objectness.
_BEFORE_LABELS = 5

#: Cell sizes of the three grids, in pixels of the input.
STRIDES_PX = (8, 16, 32)


def decode(
    outputs: Sequence[Floats], labels: int, min_score: float, input_size: tuple[int, int], *, in_pixels: bool = False
) -> Candidates:
    """Decode one picture; the score of a label is objectness times label score.

    Args:
        outputs: as above, float32; the first is read.
        labels: C.
        min_score: 0..1, boxes below are left out.
        input_size: height and width of the network's input, pixels.
        in_pixels: the network has brought the boxes to pixels itself.

    Raises:
        ShapeMismatch: the output is not 1 x cells x (5 + C) with the cells of this input size.
    """
    places, strides = grid(input_size)
    expected = 1, len(strides), _BEFORE_LABELS + labels
    if not outputs or outputs[0].shape != expected:
        raise ShapeMismatch(f"1 x {expected[1]} x {expected[2]} (box, objectness, {labels} labels)", outputs)
    rows = outputs[0][0]
    boxes = rows[:, :4] if in_pixels else _in_pixels(rows[:, :4], places, strides)
    return likeliest(from_centres(boxes), rows[:, 4:5] * rows[:, _BEFORE_LABELS:], min_score)


def grid(input_size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Give the cells of all grids in the order of the rows: column and row (N x 2), and the size in pixels (N)."""
    places, strides = [], []
    for stride in STRIDES_PX:
        rows, columns = input_size[0] // stride, input_size[1] // stride
        y, x = np.divmod(np.arange(rows * columns), max(columns, 1))
        places.append(np.stack([x, y], axis=1).astype(np.float32))
        strides.append(np.full(rows * columns, stride, np.float32))
    return np.concatenate(places), np.concatenate(strides)


def _in_pixels(boxes: Floats, places: Floats, strides: Floats) -> Floats:
    centres = (boxes[:, :2] + places) * strides[:, None]
    sizes = np.exp(np.minimum(boxes[:, 2:], MAX_LOG_SIZE)) * strides[:, None]
    return np.concatenate([centres, sizes], axis=1)
