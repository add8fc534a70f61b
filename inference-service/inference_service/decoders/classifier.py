"""Classifiers: one number a label for the whole picture.

Layout: 1 x C (1 x C x 1 x 1 is read, too), as every framework exports it. Whether the numbers are already
probabilities cannot be seen from outside, so the pack says what is to be done: `softmax` for unscaled scores of labels
that exclude each other, `sigmoid` for unscaled scores of labels that do not, `none` for probabilities.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from inference_service.decoders.candidates import Floats, ShapeMismatch

Activation = Literal["softmax", "sigmoid", "none"]

#: Beyond this a logistic function is 0 or 1 in float32, and its power may overflow.
_MAX_POWER = 80.0

#: Stands for infinity, which cannot be compared with itself.
_LARGE = 1e30


def decode(outputs: Sequence[Floats], labels: int, activation: Activation) -> Floats:
    """Give how probable each label is, C float32 0..1; what is no number counts as 0.

    Args:
        outputs: as above, float32; the first is read.
        labels: C.
        activation: see above.

    Raises:
        ShapeMismatch: the output is not 1 x C.
    """
    if not outputs or outputs[0].shape not in ((1, labels), (1, labels, 1, 1)):
        raise ShapeMismatch(f"1 x {labels}", outputs)
    scores = outputs[0].reshape(labels).astype(np.float64)
    scores = np.nan_to_num(scores, nan=0.0 if activation == "none" else -_LARGE, posinf=_LARGE, neginf=-_LARGE)
    if activation == "softmax":
        powers = np.exp(scores - scores.max())
        return np.asarray(powers / powers.sum(), np.float32)
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(scores, -_MAX_POWER, _MAX_POWER))), np.float32)
    return np.asarray(np.clip(scores, 0, 1), np.float32)
