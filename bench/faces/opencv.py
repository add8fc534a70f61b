"""The baseline: the same weights of YuNet and SFace as OpenCV runs them (FaceDetectorYN, FaceRecognizerSF)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from face_search import weights
from face_search.ports import Picture
from xunshi.places import WEIGHTS

#: Below OpenCV's own 0.9, so that faces in masks are found at all.
MIN_SCORE = 0.3


class OpenCvFaces:
    """From a picture to a vector with nothing but OpenCV, on one thread."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        detector, embedding = (str(WEIGHTS / name) for name in (weights.FACE_LANDMARKS, weights.SFACE))
        self._detector = cv2.FaceDetectorYN.create(detector, "", (320, 320), MIN_SCORE)
        self._embedding = cv2.FaceRecognizerSF.create(embedding, "")

    def vectors(self, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        """Give N x 128 float32 of length 1; zeros where no face is found."""
        return np.stack([self.vector(picture) for picture in pictures])

    def vector(self, picture: Picture) -> NDArray[np.float32]:
        """Give the vector of the face nearest to the middle."""
        height, width = picture.shape[:2]
        self._detector.setInputSize((width, height))
        found: NDArray[np.float32] | None = cast("Any", self._detector).detect(picture)[1]
        if found is None:
            return np.zeros(128, np.float32)
        middles = found[:, :2] + found[:, 2:4] / 2
        central = found[np.linalg.norm(middles - (width / 2, height / 2), axis=1).argmin()]
        return self.embed(np.asarray(self._embedding.alignCrop(picture, central), np.uint8))

    def embed(self, aligned: Picture) -> NDArray[np.float32]:
        """Give the vector of an upright face, 112 x 112 x 3 uint8 blue-green-red."""
        vector = self._embedding.feature(aligned)[0]
        return np.asarray(vector / np.linalg.norm(vector), np.float32)
