"""Exact landmarks of a face that was found: YuNet with its published weights looks once more, at the face alone.

Our own detector finds more faces in masks, but its landmarks are a little less exact, and a vector is only as good as
the alignment (MODEL.md has both). So ours says where a face is; the original says where its eyes are, in a window in
which every face has the same size and stands upright.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from face_search.models.upright import PLACES
from face_search.ports import Picture
from shared_kernel.vision.models.align import crop_face, crop_transform
from shared_kernel.vision.models.yunet import FaceDetector
from shared_kernel.vision.ports import Session
from shared_kernel.vision.rules import DetectedFace

#: Side of the window, pixels, and the share of it that an upright face takes.
WINDOW_PX: Final = 320
FACE_SHARE: Final = 0.5

#: In the window a face is surely one, so even a doubtful answer tells its landmarks.
MIN_SCORE: Final = 0.3

#: An answer whose landmarks lie further than this from those expected shows something else, in distances of the eyes.
MAX_SHIFT: Final = 0.5

_WINDOW_PLACES: Final = np.asarray(PLACES * FACE_SHARE + (1 - FACE_SHARE) / 2, np.float32)
_EXPECTED: Final = _WINDOW_PLACES * WINDOW_PX
_MAX_SHIFT_PX: Final = MAX_SHIFT * float(np.linalg.norm(_EXPECTED[1] - _EXPECTED[0]))


class Landmarks:
    """Makes landmarks exact."""

    def __init__(self, session: Session) -> None:
        """Take YuNet as it is published, ready: 1 x 3 x H x W uint8 blue-green-red in."""
        self._detector = FaceDetector(session, MIN_SCORE, WINDOW_PX**2)

    def exact(self, picture: Picture, rough: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the landmarks of a face, 5 x 2 float32 pixels of the picture.

        Args:
            picture: H x W x 3 uint8, blue-green-red.
            rough: 5 x 2 float32, as the detector of faces gave them; returned where nothing better is found.
        """
        transform = crop_transform(rough, WINDOW_PX, _WINDOW_PLACES)
        window = crop_face(picture, transform, WINDOW_PX)
        found = min(self._detector.detect(window), key=_shift, default=None)
        if found is None or _shift(found) > _MAX_SHIFT_PX:
            return rough
        back = cv2.invertAffineTransform(transform)
        return np.asarray(found.landmarks @ back[:, :2].T + back[:, 2], np.float32)


def _shift(face: DetectedFace) -> float:
    return float(np.linalg.norm(face.landmarks - _EXPECTED, axis=1).mean())
