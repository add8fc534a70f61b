"""YuNet (MIT): faces on three grids without fixed boxes.

Layout: face_detection_yunet_2023mar of opencv_zoo, twelve outputs 1 x cells x values: cls (1), obj (1), bbox (4), kps
(10), each for the strides 8, 16, 32. Score = sqrt(cls * obj), both brought into 0..1; the centre of cell (column, row)
is (cell + bbox[0:2]) * stride, its size exp(bbox[2:4]) * stride. The five landmarks are not read here: they are for
`models.yunet`, the detector under our own mask state network.
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
from inference_service.decoders.yolox import STRIDES_PX, grid

#: Values a cell of cls, obj, bbox, kps.
_VALUES = (1, 1, 4, 10)


def decode(outputs: Sequence[Floats], min_score: float, input_size: tuple[int, int]) -> Candidates:
    """Decode one picture; the only label is the face.

    Args:
        outputs: as above, float32.
        min_score: 0..1, faces below are left out.
        input_size: height and width of the network's input, pixels.

    Raises:
        ShapeMismatch: the outputs are not twelve of these shapes.
    """
    places, strides = grid(input_size)
    cells = [int((strides == stride).sum()) for stride in STRIDES_PX]
    expected = [(1, count, values) for values in _VALUES for count in cells]
    if [output.shape for output in outputs] != expected:
        rows = ", ".join(map(str, cells))
        raise ShapeMismatch(f"cls, obj, bbox, kps with {rows} cells each (values {_VALUES})", outputs)
    cls, obj, bbox = (np.concatenate([output[0] for output in outputs[first : first + 3]]) for first in (0, 3, 6))
    scores = np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1))
    centres = (places + bbox[:, :2]) * strides[:, None]
    sizes = np.exp(np.minimum(bbox[:, 2:], MAX_LOG_SIZE)) * strides[:, None]
    return likeliest(from_centres(np.concatenate([centres, sizes], axis=1)), scores, min_score)
