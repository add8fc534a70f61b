"""Exact landmarks of a face that was found: YuNet with its published weights looks once more, at the face alone.

Our own detector finds more faces in masks, but its landmarks are a little less exact, and a vector is only as good as
the alignment (MODEL.md has both). So ours says where a face is; the original says where its eyes are, in windows in
which every face has the same size and stands upright. Windows of two sizes err differently: their mean counts.
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

#: Sides of the windows, pixels, and the share of each that an upright face takes.
WINDOWS: Final = ((320, 0.5), (160, 0.6))

#: In the window a face is surely one, so even a doubtful answer tells its landmarks.
MIN_SCORE: Final = 0.3

#: An answer whose landmarks lie further than this from those expected shows something else, in distances of the eyes.
MAX_SHIFT: Final = 0.5


class Landmarks:
    """Makes landmarks exact."""

    def __init__(self, session: Session) -> None:
        """Take YuNet as it is published, ready: 1 x 3 x H x W uint8 blue-green-red in."""
        self._windows = [_Window(session, *window) for window in WINDOWS]

    def exact(self, picture: Picture, rough: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the landmarks of a face, 5 x 2 float32 pixels of the picture.

        Args:
            picture: H x W x 3 uint8, blue-green-red.
            rough: 5 x 2 float32, as the detector of faces gave them; returned where nothing better is found.
        """
        found = [points for window in self._windows if (points := window.look(picture, rough)) is not None]
        return np.mean(found, axis=0, dtype=np.float32) if found else rough


class _Window:
    """A square in which the face stands upright in the middle."""

    def __init__(self, session: Session, side_px: int, face_share: float) -> None:
        self._detector = FaceDetector(session, MIN_SCORE, side_px**2)
        self._side_px = side_px
        self._places = np.asarray(PLACES * face_share + (1 - face_share) / 2, np.float32)
        self._expected = self._places * side_px
        self._max_shift_px = MAX_SHIFT * float(np.linalg.norm(self._expected[1] - self._expected[0]))

    def look(self, picture: Picture, rough: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Give the landmarks in pixels of the picture, None where the window shows no such face."""
        transform = crop_transform(rough, self._side_px, self._places)
        found = min(self._detector.detect(crop_face(picture, transform, self._side_px)), key=self._shift, default=None)
        if found is None or self._shift(found) > self._max_shift_px:
            return None
        back = cv2.invertAffineTransform(transform)
        return np.asarray(found.landmarks @ back[:, :2].T + back[:, 2], np.float32)

    def _shift(self, face: DetectedFace) -> float:
        return float(np.linalg.norm(face.landmarks - self._expected, axis=1).mean())
