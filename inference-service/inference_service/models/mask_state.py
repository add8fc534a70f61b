"""The mask state network: upright face crops in, a state and its probability out. `align` makes the crops."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference_service.ports import Session
from inference_service.rules import MASK_STATES
from shared_kernel.messages import MaskState

#: A verdict surer than this (probability, 0..1) is not asked again.
SURE = 0.9

#: Crops that go through the network at once; more bring no speed and cost memory.
MAX_CROPS = 32


@dataclass(frozen=True, slots=True)
class StateVerdict:
    """The likeliest state of a face and its probability, 0..1; `shares` has all in the order MASK_STATES."""

    state: MaskState
    score: float
    shares: tuple[float, ...] = ()


class MaskStateClassifier:
    """Tells the mask state of face crops."""

    def __init__(self, session: Session) -> None:
        """Take a ready session: N x 3 x 64 x 64 uint8 blue-green-red in, N x 3 unscaled scores out."""
        self._session = session

    def classify(self, crops: NDArray[np.uint8]) -> list[StateVerdict]:
        """Judge crops; of those that are not sure, the mirrored crop is judged as well, and the mean counts.

        Mirroring changes no state, and the mean is right more often.

        Args:
            crops: N x 64 x 64 x 3 uint8, blue-green-red, as `align.crop_face` cuts them; N may be 0.
        """
        verdicts: list[StateVerdict] = []
        for start in range(0, len(crops), MAX_CROPS):
            part = crops[start : start + MAX_CROPS].transpose(0, 3, 1, 2)
            shares = softmax(self._session.run(part)[0])
            unsure = np.flatnonzero(shares.max(axis=1) < SURE)
            if unsure.size:
                mirrored = crops[start + unsure, :, ::-1].transpose(0, 3, 1, 2)
                shares[unsure] = (shares[unsure] + softmax(self._session.run(mirrored)[0])) / 2
            verdicts += [_verdict(row) for row in shares]
        return verdicts


def _verdict(shares: NDArray[np.float32]) -> StateVerdict:
    best = int(shares.argmax())
    return StateVerdict(MASK_STATES[best], float(shares[best]), tuple(shares.tolist()))


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn N x K unscaled scores into probabilities, row by row."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)
