"""A reader of faces without networks, and the portraits it reads: a tile of one colour is the face of one person.

A picture may go through JPEG on its way: colours are told apart in wide steps. tests/contract/face_search holds this
reader to the real one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from face_search.ports import FaceRead, Picture, Quality, QualityReason
from face_search.thresholds import Curve, Thresholds
from shared_kernel.messages import MaskState
from shared_kernel.vision.rules import Urgency

#: Tiles stand on a grid of this width, pixels.
CELL_PX: Final = 128
ALIGNED_PX: Final = 112
#: Lower pictures have no faces at all, pixels.
SMALLEST_PX: Final = 16
#: Smaller faces are too small to be enrolled, pixels.
SMALL_PX: Final = 48
#: Two pictures of one portrait have a cosine of about 0.8, strangers one of 0.2 and seldom 0.5.
THRESHOLDS: Final = Thresholds(open=Curve(((0.0, 0.5), (0.5, 1e-3))), covered=Curve(((0.0, 0.5), (0.55, 1e-3))))
_LEVELS: Final = (40, 110, 180, 250)
_STEP: Final = 70
#: How far two pictures of one person are apart; the cosine between them is about 1 / (1 + this ** 2).
_NOISE: Final = 0.5


@dataclass(frozen=True)
class Portrait:
    """One face of a picture.

    Attributes:
        person: 0 to 63: who it is.
        look: 0 to 3: which picture of this person.
        side_px: of the tile; 16 to 128.
        covered: wears a mask.
    """

    person: int
    look: int = 0
    side_px: int = 96
    covered: bool = False


def scene(*portraits: Portrait) -> Picture:
    """A picture of these faces side by side: H x W x 3 uint8, blue-green-red."""
    picture: Picture = np.zeros((CELL_PX, CELL_PX * max(1, len(portraits)), 3), np.uint8)
    for place, one in enumerate(portraits):
        left = place * CELL_PX
        picture[: one.side_px, left : left + one.side_px] = _tile(one, one.side_px)
    return picture


def photo(*portraits: Portrait) -> bytes:
    """The same as a PNG."""
    return cv2.imencode(".png", scene(*portraits))[1].tobytes()


def jpeg(*portraits: Portrait) -> bytes:
    """The same as a JPEG, as cameras send it."""
    return cv2.imencode(".jpg", scene(*portraits), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def _tile(one: Portrait, side_px: int) -> Picture:
    """Upper half: the person; lower half: the look; the last quarter of it is white under a mask."""
    colour = [_LEVELS[one.person // 4**place % 4] for place in range(3)]
    tile: Picture = np.empty((side_px, side_px, 3), np.uint8)
    tile[: side_px // 2] = colour
    tile[side_px // 2 :] = (255, _LEVELS[one.look], 0)
    if one.covered:
        tile[side_px // 2 :, side_px // 2 :] = 255
    return tile


class CannedReader:
    """`face_search.ports.FaceReader` for portraits."""

    def __init__(self, model: str = "canned-1", dimension: int = 32) -> None:
        self.model = model
        self.dimension = dimension

    def read(self, picture: Picture) -> list[FaceRead]:
        """See the port."""
        found: list[FaceRead] = []
        if picture.shape[0] < SMALLEST_PX:
            return found
        for left in range(0, picture.shape[1] - CELL_PX + 1, CELL_PX):
            cell = picture[:CELL_PX, left : left + CELL_PX]
            side = int(np.count_nonzero(cell[4, :].max(axis=1) > _STEP // 2))
            if side:
                found.append(self._face(picture, left, side))
        found.sort(key=lambda face: face.box[0] - face.box[2])
        if len(found) > 1:
            several = QualityReason.SEVERAL_FACES
            found = [_marked(face, several) for face in found]
        return found

    def embed(self, aligned: Sequence[Picture]) -> NDArray[np.float32]:
        """See the port."""
        rows = [self._vector(picture) for picture in aligned]
        return np.stack(rows) if rows else np.zeros((0, self.dimension), np.float32)

    def _face(self, picture: Picture, left: int, side: int) -> FaceRead:
        crop = picture[:side, left : left + side].copy()
        aligned = np.asarray(cv2.resize(crop, (ALIGNED_PX, ALIGNED_PX), interpolation=cv2.INTER_NEAREST), np.uint8)
        covered = bool(aligned[100, 100].min() > 200)
        reasons = ((QualityReason.TOO_SMALL,) if side < SMALL_PX else ()) + (
            (QualityReason.COVERED,) if covered else ()
        )
        return FaceRead(
            box=(float(left), 0.0, float(left + side), float(side)),
            score=0.99,
            aligned=aligned,
            crop=crop,
            vector=self._vector(aligned),
            quality=Quality(0.2 if side < SMALL_PX else 0.9, reasons),
            mask_state=MaskState.WITH_MASK if covered else MaskState.WITHOUT_MASK,
            covered=covered,
        )

    def _vector(self, aligned: Picture) -> NDArray[np.float32]:
        person, look = aligned[20, 20] // _STEP, int(aligned[90, 20, 1]) // _STEP
        vector = self._direction(f"person {person.tolist()}") + _NOISE * self._direction(f"{person.tolist()} {look}")
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def _direction(self, name: str) -> NDArray[np.float64]:
        seed = int.from_bytes(hashlib.sha256(f"{self.model} {name}".encode()).digest()[:8])
        vector = np.random.default_rng(seed).normal(size=self.dimension)
        return np.asarray(vector / np.linalg.norm(vector))


def _marked(face: FaceRead, reason: QualityReason) -> FaceRead:
    quality = Quality(face.quality.score, (*face.quality.reasons, reason))
    return FaceRead(face.box, face.score, face.aligned, face.crop, face.vector, quality, face.mask_state, face.covered)


class PlainDecoder:
    """`shared_kernel.vision.ports.Decoder` in this process: tests send their own pictures."""

    def decode(self, data: bytes, urgency: Urgency) -> Picture:
        """See the port."""
        from shared_kernel.vision.pictures import decode

        assert urgency in ("interactive", "live", "job")
        return decode(data)
