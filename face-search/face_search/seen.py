"""A face as it was seen: where it came from, what our pictures of it are called, which of two is the better. Pure.

Used by `identify`, the story, and `noting`, which makes rows and messages of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from face_search.ports import FaceRead, Picture
from shared_kernel.messages import MaskState, Moment
from shared_kernel.tables import Sighting

#: Faces below this quality are not compared, 0..1: such small or smeared ones are like one another, whoever they are.
COMPARABLE: Final = 0.2
#: Folder of our pictures of sightings.
FOLDER: Final = "faces/sightings"
#: Which of the pictures of a pass; as it stands in the key of the crop.
Phase = Literal["opened", "closed"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a face was seen. `place`: longitude and latitude, degrees, WGS-84; None: where the camera stands."""

    sighting_id: str
    source: Literal["pass", "photo"]
    source_id: str
    face_no: int
    camera_id: str | None
    taken_by: str | None
    seen_at: Moment
    place: tuple[float, float] | None
    picture_key: str
    phase: Phase = "opened"

    @property
    def name(self) -> str:
        """What our pictures of it are called: which picture it was made of, so that a repeat is seen."""
        digest = hashlib.sha256(f"{self.picture_key}/{self.face_no}".encode()).hexdigest()[:16]
        return f"{FOLDER}/{self.sighting_id}/{self.phase}-{digest}"

    @property
    def crop_key(self) -> str:
        return f"{self.name}.jpg"

    @property
    def aligned_key(self) -> str:
        return f"{self.name}.png"


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A face as it was read; `face` is None where there is none, then `picture` is all there is to show."""

    origin: Origin
    face: FaceRead | None
    picture: Picture
    mask_state: MaskState

    @property
    def quality(self) -> float:
        return 0.0 if self.face is None else self.face.quality.score

    @property
    def comparable(self) -> bool:
        return self.face is not None and self.quality >= COMPARABLE


def is_of(row: Sighting, origin: Origin) -> bool:
    """Tell whether a row was made of this very picture, by either report of the pass."""
    return row.crop_key.rpartition("-")[2] == origin.crop_key.rpartition("-")[2]


def is_decided(row: Sighting) -> bool:
    """Tell whether a human has said who it is, or who it is not."""
    return row.decision in ("confirmed", "rejected")


def is_better(seen: Seen, row: Sighting) -> bool:
    """Order the two pictures of a pass, whichever is handled first: by quality, then the later one."""
    later = seen.origin.phase == "closed"
    return seen.quality > row.quality or (seen.quality == row.quality and later)


def central(faces: Sequence[FaceRead], picture: Picture) -> FaceRead | None:
    """Give the face that evidence was cut around: the largest that covers the middle, else the largest."""
    middle_x, middle_y = picture.shape[1] / 2, picture.shape[0] / 2
    for face in faces:
        x0, y0, x1, y1 = face.box
        if x0 <= middle_x <= x1 and y0 <= middle_y <= y1:
            return face
    return faces[0] if faces else None
