"""The model `mask`: pictures in, faces with their mask state out. Puts `yunet`, `align` and `mask_state` together."""

from collections.abc import Sequence
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.models.align import crop_face, crop_transform
from shared_kernel.vision.models.mask_state import MaskStateClassifier
from shared_kernel.vision.models.yunet import FaceDetector
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import MASK_STATES, DetectedFace, FaceReading, Found

#: A face whose likeliest state has this probability (0..1) is not looked at again. One face in twenty has less; with a
#: second look at those, verdicts are as right as when the larger network judges all, for a fraction of its work.
SURE: Final = 0.65

#: Side of the crops of the second look: what the larger network was trained on.
FINE_CROP_PX: Final = 96


class MaskReader:
    """A `Model` for masks. Threads may share one; they take turns."""

    def __init__(
        self, detector: FaceDetector, classifier: MaskStateClassifier, fine: MaskStateClassifier | None = None
    ) -> None:
        """Take the networks.

        Args:
            detector: finds the faces.
            classifier: judges every face.
            fine: judges the unsure ones again, on larger crops. Without it the classifier itself does.
        """
        self._detector = detector
        self._first = classifier
        self._second = fine or classifier
        self._turn = Lock()

    def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
        """See `inference_service.ports.Model`. The faces of all pictures are judged in common batches."""
        if not pictures:
            return []
        with self._turn:
            found = self._detector.detect_all(pictures)
            seen = [(picture, face) for picture, faces in zip(pictures, found, strict=True) for face in faces]
            verdicts = iter(self._judge(seen))
        # zip asks for a face first, so it takes no verdict too many from the iterator that all pictures share.
        return [
            sorted((_found(*pair) for pair in zip(faces, verdicts, strict=False)), key=lambda one: -one.score)
            for faces in found
        ]

    def _judge(self, seen: Sequence[tuple[Picture, DetectedFace]]) -> NDArray[np.float32]:
        """Give N x 3 probabilities in the order MASK_STATES; the answer of a second look replaces the first."""
        shares = self._first.classify(_cut(seen, self._first.crop_px))
        unsure = np.flatnonzero(shares.max(axis=1) < SURE)
        if unsure.size:
            again = _cut([seen[index] for index in unsure.tolist()], self._second.crop_px)
            shares[unsure] = self._second.classify(again, mirrored=True)
        return shares


def _cut(seen: Sequence[tuple[Picture, DetectedFace]], crop_px: int) -> NDArray[np.uint8]:
    crops = np.empty((len(seen), crop_px, crop_px, 3), np.uint8)
    for crop, (picture, face) in zip(crops, seen, strict=True):
        crop[:] = crop_face(picture, crop_transform(face.landmarks, crop_px), crop_px)
    return crops


def _found(face: DetectedFace, shares: NDArray[np.float32]) -> Found:
    best = int(shares.argmax())
    state, score = MASK_STATES[best], float(shares[best])
    reading = FaceReading(face.score, state, score, face.landmarks, tuple(shares.tolist()))
    return Found(state.value, min(1.0, face.score * score), face.box, reading)
