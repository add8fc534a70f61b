"""The model `mask`: pictures in, faces with their mask state out. Puts `yunet`, `align` and `mask_state` together."""

from collections.abc import Sequence
from threading import Lock

import numpy as np

from inference_service.models.align import crop_face, crop_transform
from inference_service.models.mask_state import MaskStateClassifier, StateVerdict
from inference_service.models.yunet import FaceDetector
from inference_service.ports import Picture
from inference_service.rules import DetectedFace, FaceReading, Found


class MaskReader:
    """A `Model` for masks. Threads may share one; they take turns."""

    def __init__(self, detector: FaceDetector, classifier: MaskStateClassifier) -> None:
        self._detector = detector
        self._classifier = classifier
        self._turn = Lock()

    def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
        """See `inference_service.ports.Model`. The faces of all pictures are judged in common batches."""
        if not pictures:
            return []
        with self._turn:
            found = self._detector.detect_all(pictures)
            crops = [
                crop_face(picture, crop_transform(face.landmarks))
                for picture, faces in zip(pictures, found, strict=True)
                for face in faces
            ]
            verdicts = iter(self._classifier.classify(np.stack(crops)) if crops else [])
        # zip asks for a face first, so it takes no verdict too many from the iterator that all pictures share.
        return [
            sorted((_found(*pair) for pair in zip(faces, verdicts, strict=False)), key=lambda one: -one.score)
            for faces in found
        ]


def _found(face: DetectedFace, verdict: StateVerdict) -> Found:
    reading = FaceReading(face.score, verdict.state, verdict.score, face.landmarks, verdict.shares)
    return Found(verdict.state.value, min(1.0, face.score * verdict.score), face.box, reading)
