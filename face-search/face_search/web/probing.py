"""What is looked for, made of a request: faces of a photo, of a box in it, of a sighting, of a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Final

import cv2
import numpy as np
from pydantic import BaseModel, Field

from face_search.adapters.likeness import Viewer
from face_search.adapters.store import Store
from face_search.ports import FaceRead, FaceReader, Picture
from face_search.searching import PICTURES, Probe
from shared_kernel.errors import Conflict, FieldProblem, Invalid, NotFound
from shared_kernel.messages import MaskState

Fractions = tuple[float, float, float, float]

#: A box is cut out with this share of its size around it, because detectors want to see the whole head.
_AROUND: Final = 0.5
#: A part of a photo whose shorter side is less than this is enlarged before it is searched, pixels.
_ENLARGE_TO_PX: Final = 320
#: Nothing can be seen in a part that would have to be enlarged more than this.
_MAX_ENLARGING: Final = 16.0


class FaceOut(BaseModel):
    """A face of the photo."""

    box: Fractions = Field(description="x0, y0, x1, y1 as fractions of the photo")
    quality: float = Field(description="0 to 1")
    quality_reasons: list[str]
    mask_state: MaskState
    covered: bool
    chosen: bool = Field(description="this one was looked for")


def face_out(face: FaceRead, picture: Picture, *, chosen: bool) -> FaceOut:
    """Show a face that was read in `picture`."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = face.box
    box = tuple(round(min(1.0, max(0.0, value)), 5) for value in (x0 / width, y0 / height, x1 / width, y1 / height))
    return FaceOut(
        box=(box[0], box[1], box[2], box[3]),
        quality=round(face.quality.score, 4),
        quality_reasons=list(face.quality.reasons),
        mask_state=face.mask_state,
        covered=face.covered,
        chosen=chosen,
    )


def chosen_face(
    reader: FaceReader, picture: Picture, box: Fractions | None, field: str = "photo"
) -> tuple[list[FaceRead], int]:
    """Read the faces of a photo; the second is which of them is looked for: the largest, or the one in the box.

    Raises:
        Invalid: there is no face; names the field.
    """
    faces = reader.read(picture)
    if box is None:
        if not faces:
            raise no_face(field)
        return faces, 0
    height, width = picture.shape[:2]
    wanted = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    shares = [_share_inside(face.box, wanted) for face in faces]
    if shares and max(shares) > 0.5:  # noqa: PLR2004 - most of the face
        return faces, int(np.argmax(shares))
    # too small to be found in the whole photo, perhaps
    found = _read_closely(reader, picture, wanted)
    if not found:
        raise no_face("box")
    return [*faces, found[0]], len(faces)


def no_face(field: str) -> Invalid:
    """The refusal of a photo without a face, with what would help."""
    hint = "expected a face, found none: use a sharper, brighter or larger picture that shows it from the front"
    return Invalid(f"{field}: {hint}", code="no_face", fields=(FieldProblem(field, hint),))


def probe_of_face(face: FaceRead) -> Probe:
    """Look for a face that was just read."""
    return Probe(face.vector[np.newaxis], face.covered)


def probe_of_sighting(store: Store, sighting_id: str, model: str, viewer: Viewer) -> Probe:
    """Look for the face of a sighting.

    Raises:
        NotFound: no such sighting for this viewer.
        Conflict: its face cannot be compared.
    """
    if store.tracks.one(sighting_id, viewer) is None:
        raise NotFound(f"sighting {sighting_id}: expected one that you may see, found none", code="no_sighting")
    picture = store.likeness.of_sighting(sighting_id, model)
    if picture is None:
        raise Conflict(f"sighting {sighting_id}: expected a face that can be compared, got none", code="no_vector")
    return Probe.of([picture], sighting_id=sighting_id)


def probe_of_person(store: Store, person_id: str, model: str) -> Probe:
    """Look for a person by their best samples.

    Raises:
        NotFound: there is no such person.
        Conflict: the person has no sample.
    """
    if store.tracks.person(person_id) is None:
        raise NotFound(f"person {person_id}: expected one who is enrolled, found none", code="no_person")
    pictures = store.likeness.of_person(person_id, model, PICTURES)
    if not pictures:
        raise Conflict(f"person {person_id}: expected a sample to compare with, found none", code="no_vector")
    return Probe.of(pictures, person_id=person_id)


def _share_inside(face: Sequence[float], wanted: Sequence[float]) -> float:
    """How much of a face lies in a box, 0..1."""
    width = max(0.0, min(face[2], wanted[2]) - max(face[0], wanted[0]))
    height = max(0.0, min(face[3], wanted[3]) - max(face[1], wanted[1]))
    area = (face[2] - face[0]) * (face[3] - face[1])
    return width * height / area if area > 0 else 0.0


def _read_closely(reader: FaceReader, picture: Picture, wanted: Sequence[float]) -> list[FaceRead]:
    """Read a part of a photo, enlarged where it is small: the faces whose middle lies in it, in pixels of the photo."""
    height, width = picture.shape[:2]
    around_x, around_y = (wanted[2] - wanted[0]) * _AROUND, (wanted[3] - wanted[1]) * _AROUND
    left, right = max(0, int(wanted[0] - around_x)), min(width, ceil(wanted[2] + around_x))
    top, bottom = max(0, int(wanted[1] - around_y)), min(height, ceil(wanted[3] + around_y))
    part = picture[top:bottom, left:right]
    scale = max(1.0, _ENLARGE_TO_PX / min(part.shape[:2]))
    if scale > _MAX_ENLARGING:
        return []
    size = round(part.shape[1] * scale), round(part.shape[0] * scale)
    enlarged = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    found = [_moved(face, scale, left, top) for face in reader.read(enlarged)]
    return [face for face in found if _middle_is_inside(face.box, wanted)]


def _moved(face: FaceRead, scale: float, left: int, top: int) -> FaceRead:
    x0, y0, x1, y1 = face.box
    return replace(face, box=(x0 / scale + left, y0 / scale + top, x1 / scale + left, y1 / scale + top))


def _middle_is_inside(face: Sequence[float], wanted: Sequence[float]) -> bool:
    x, y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    return wanted[0] <= x <= wanted[2] and wanted[1] <= y <= wanted[3]
