"""The store of face crops between `prepare` and `train`: one compressed array file in the cache folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.models.align import LANDMARK_PLACES

#: Crops are kept larger than the network reads them, so that masks can be painted finely.
WORK_PX = 96

#: They are kept this much wider on every side, so that `vary` can turn and shift them.
MARGIN_PX = 24

#: Side of a kept crop.
STORED_PX = WORK_PX + 2 * MARGIN_PX

#: Where the landmarks lie in a kept crop, as fractions of its side.
STORED_PLACES = (LANDMARK_PLACES * WORK_PX + MARGIN_PX) / STORED_PX


@dataclass(frozen=True)
class Crops:
    """Face crops with what is known of each.

    Attributes:
        pixels: N x STORED_PX x STORED_PX x 3 uint8, blue-green-red.
        landmarks: N x 5 x 2 float32 in crop pixels.
        states: N int64, index into MASK_STATES.
        sources: N, short name of the data set.
        validation: N bool.
        face_px: N float32, square root of the area of the labelled face in its picture.
        how: N, `found` (the detector found the face as in use), `searched` (only with a lower score or a
            larger picture) or `boxed` (not found; cut out by the labelled box alone).
        names: N, picture of origin.
    """

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    states: NDArray[np.int64]
    sources: NDArray[np.str_]
    validation: NDArray[np.bool_]
    face_px: NDArray[np.float32]
    how: NDArray[np.str_]
    names: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.states)

    def where(self, chosen: NDArray[np.bool_]) -> Self:
        """Give the crops for which `chosen` (N bool) is true."""
        return type(self)(**{name: values[chosen] for name, values in vars(self).items()})

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        with np.load(path) as stored:
            return cls(**{name: stored[name] for name in cls.__dataclass_fields__})
