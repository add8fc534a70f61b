"""A mask state network: upright face crops in, the probabilities of the states out.

`align` makes the crops, `mask_reader` says which faces are judged by which network.
"""

import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.models.align import CROP_PX
from shared_kernel.vision.ports import Session
from shared_kernel.vision.rules import MASK_STATES

#: Pixels of crops that go through the network at once, 32 crops of 64 px; more bring no speed and cost memory.
MAX_PIXELS = 32 * 64 * 64


class MaskStateClassifier:
    """Tells the mask state of face crops of `crop_px` pixels a side."""

    def __init__(self, session: Session, crop_px: int = CROP_PX) -> None:
        """Take a network.

        Args:
            session: ready; N x 3 x crop_px x crop_px uint8 blue-green-red in, N x 3 unscaled scores out.
            crop_px: side of the crops that it was trained on.
        """
        self._session = session
        self.crop_px = crop_px
        self._batch = max(1, MAX_PIXELS // crop_px**2)

    def classify(self, crops: NDArray[np.uint8], *, mirrored: bool = False) -> NDArray[np.float32]:
        """Judge crops.

        Args:
            crops: N x crop_px x crop_px x 3 uint8, blue-green-red, as `align.crop_face` cuts them; N may be 0.
            mirrored: judge every crop in the mirror as well and give the mean: mirroring changes no state, and the
                mean is right more often, for twice the work.

        Returns:
            N x 3 float32, probabilities in the order MASK_STATES, each row together 1.
        """
        if mirrored:
            both = self.classify(np.concatenate([crops, crops[:, :, ::-1]]))
            return np.asarray((both[: len(crops)] + both[len(crops) :]) / 2, dtype=np.float32)
        shares = np.empty((len(crops), len(MASK_STATES)), np.float32)
        for start in range(0, len(crops), self._batch):
            part = crops[start : start + self._batch].transpose(0, 3, 1, 2)
            shares[start : start + self._batch] = softmax(self._session.run(part)[0])
        return shares


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn N x K unscaled scores into probabilities, row by row."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)
