"""Enrolment without networks: a picture says in words whose face it shows.

`face:ada` is a good picture of Ada, `bad:blurred` one that cannot be enrolled; `slow:ada` takes a moment.
"""

from __future__ import annotations

import time

import numpy as np
from sqlalchemy import select

from face_search.adapters.store import Store
from face_search.import_lines import Imported
from face_search.ports import FaceRead, Quality
from face_search.resemblance import Resemblance
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now
from shared_kernel.errors import Invalid
from shared_kernel.messages import MaskState, derived_id
from shared_kernel.tables import FaceSample, FaceVector


class CannedEnrolment:
    """See `face_search.import_lines.Enrolment`."""

    def __init__(self, blobs: Blobs, slow_s: float = 0.03) -> None:
        self._blobs = blobs
        self._slow_s = slow_s

    def read(self, photo: bytes) -> FaceRead:
        word, _, whose = photo.decode().partition(":")
        if word == "slow":
            time.sleep(self._slow_s)
        if word not in ("face", "slow"):
            raise Invalid.field("photo", f"the face is {whose}", code=whose or "no_face")
        return _face(whose.rstrip("0123456789"))

    def is_unlike(self, store: Store, face: FaceRead, person_id: str) -> bool:
        query = select(FaceVector.vector).join(FaceSample, FaceSample.sample_id == FaceVector.subject_id)
        known = set(store._session.scalars(query.where(FaceSample.person_id == person_id)))
        return bool(known) and face.vector.tobytes() not in known

    def likest_other(self, store: Store, face: FaceRead, person_id: str) -> Resemblance | None:
        query = select(FaceSample.person_id).join(FaceVector, FaceSample.sample_id == FaceVector.subject_id)
        same = store._session.scalars(query.where(FaceVector.vector == face.vector.tobytes())).all()
        return None if person_id in same or not same else Resemblance(min(same), 1.0, 0.5)

    def keep(self, sample_id: str, face: FaceRead) -> None:
        for key in _keys(sample_id).values():
            self._blobs.put(key, face.vector.tobytes())

    def add(self, store: Store, sample: Imported) -> None:
        row = FaceSample(sample_id=sample.sample_id, person_id=sample.person_id, **_keys(sample.sample_id))
        row.content_sha256, row.source, row.created_by, row.created_at = (
            sample.content_sha256,
            "import",
            sample.created_by,
            now(),
        )
        row.quality, row.quality_reasons, row.mask_state, row.covered = 0.9, "", "without_mask", False
        vector = FaceVector(vector_id=derived_id(sample.sample_id, "test-1"), kind="sample", model="test-1")
        vector.subject_id, vector.vector, vector.index_state = sample.sample_id, sample.face.vector.tobytes(), "pending"
        vector.updated_at = now()
        store._session.add_all([row, vector])
        store._session.flush()


def _face(whose: str) -> FaceRead:
    vector = np.random.default_rng(list(whose.encode())).standard_normal(16).astype("<f4")
    blank = np.zeros((112, 112, 3), np.uint8)
    return FaceRead(
        box=(0, 0, 112, 112),
        score=1,
        aligned=blank,
        crop=blank,
        vector=vector / np.linalg.norm(vector),
        quality=Quality(0.9),
        mask_state=MaskState.WITHOUT_MASK,
        covered=False,
    )


def _keys(sample_id: str) -> dict[str, str]:
    return {"crop_key": f"faces/samples/{sample_id}/crop.jpg", "aligned_key": f"faces/samples/{sample_id}/face.png"}
