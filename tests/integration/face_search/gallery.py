"""Somebody who is enrolled and was seen: rows and objects in a line each, without any network that reads faces."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import func, select

from face_search.adapters.store import Store
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now
from shared_kernel.database import Database
from shared_kernel.messages import derived_id, new_id
from shared_kernel.tables import (
    FaceImport,
    FaceImportLine,
    FaceList,
    FaceSample,
    FaceVector,
    GalleryChange,
    NotThisPerson,
    Person,
    PersonOnList,
    Sighting,
    WatchAlert,
)

MODEL = "test-1"
JPEG = b"\xff\xd8\xff not decoded here"


class Gallery:
    """Adds rows and their objects."""

    def __init__(self, database: Database[Store], blobs: Blobs) -> None:
        self.database = database
        self.blobs = blobs

    def add(self, *rows: object) -> None:
        with self.database.write() as store:
            store._session.add_all(rows)

    def person(self, name: str = "Ada", **columns: Any) -> str:
        given = {"note": "", "basis": "consent", "basis_detail": "", "created_at": now(), "updated_at": now()}
        row = Person(person_id=new_id(), name=name, **{**given, **columns})
        self.add(row)
        return row.person_id

    def face_list(self, *person_ids: str, keep_days: int | None = None, name: str = "Staff", **columns: Any) -> str:
        list_id = new_id()
        given: dict[str, Any] = {"kind": "own", "alerts": False, "created_at": now(), **columns}
        row = FaceList(list_id=list_id, code=list_id.lower(), name=name, keep_days=keep_days, **given)
        self.add(row)
        self.add(*(PersonOnList(person_id=one, list_id=list_id, added_at=now()) for one in person_ids))
        return list_id

    def sample(self, person_id: str, **columns: Any) -> str:
        sample_id = new_id()
        keys = self._stored("samples", sample_id)
        given: dict[str, Any] = {"quality": 0.9, "quality_reasons": "", "mask_state": "without_mask", "covered": False}
        given = {**given, "source": "upload", "created_at": now(), **columns}
        row = FaceSample(sample_id=sample_id, person_id=person_id, **given, **keys)
        row.content_sha256 = hashlib.sha256(sample_id.encode()).digest()
        self.add(row, self._vector("sample", sample_id))
        return sample_id

    def sighting(self, person_id: str | None = None, *, age: timedelta = timedelta(0), **columns: Any) -> str:
        sighting_id = new_id()
        given: dict[str, Any] = {
            "source": "pass",
            "source_id": new_id(),
            "face_no": 0,
            "seen_at": now() - age,
            "mask_state": "without_mask",
            "covered": False,
            "quality": 0.8,
            "quality_reasons": "",
            "model": MODEL,
            "decision": "auto" if person_id else "unknown",
            "recorded_at": now(),
        }
        row = Sighting(sighting_id=sighting_id, person_id=person_id, **{**given, **columns})
        for name, key in self._stored("sightings", sighting_id).items():
            setattr(row, name, key)
        self.add(row, self._vector("sighting", sighting_id))
        return sighting_id

    def negative(self, person_id: str, sighting_id: str) -> None:
        self.add(NotThisPerson(person_id=person_id, sighting_id=sighting_id, created_at=now()))

    def watch_alert(self, sighting_id: str, person_id: str, **columns: Any) -> str:
        [sighting] = self.rows(Sighting, Sighting.sighting_id == sighting_id)
        row = WatchAlert(alert_id=new_id(), sighting_id=sighting_id, person_id=person_id, list_names='["Barred"]')
        row.score, row.threshold, row.near_tie = 0.6, 0.5, False
        row.seen_at, row.raised_at = sighting.seen_at, now()
        for name, value in columns.items():
            setattr(row, name, value)
        self.add(row)
        return row.alert_id

    def change(self, person_id: str, other_id: str | None = None, kind: str = "merge") -> str:
        change_id = new_id()
        row = GalleryChange(change_id=change_id, kind=kind, person_id=person_id, other_id=other_id, before="{}")
        row.created_at = now()
        self.add(row)
        return change_id

    def import_line(self, person_id: str, sample_id: str, file: str) -> str:
        import_id = new_id()
        row = FaceImport(import_id=import_id, name="all.zip", object_key=f"face-imports/{import_id}.zip", settings="{}")
        row.state, row.total, row.accepted, row.refused, row.detail = "done", 1, 1, 0, None
        row.created_at = row.heard_at = row.ended_at = now()
        self.add(row)
        line = FaceImportLine(import_id=import_id, line_no=1, file=file, outcome="accepted", detail=file)
        line.person_id, line.sample_id = person_id, sample_id
        self.add(line)
        return import_id

    def sync(self) -> None:
        """What the index does with vectors that are to go: without one they go at once."""
        with self.database.write() as store:
            for row in store._session.scalars(select(FaceVector).where(FaceVector.index_state == "removing")):
                store._session.delete(row)

    def rows(self, table: Any, *where: Any) -> list[Any]:
        with self.database.read() as store:
            return list(store._session.scalars(select(table).where(*where)))

    def count(self, table: Any) -> int:
        with self.database.read() as store:
            return int(store._session.scalar(select(func.count()).select_from(table)) or 0)

    def objects(self, prefix: str = "faces") -> set[str]:
        return set(self.blobs.keys(prefix))

    def _stored(self, kind: str, subject_id: str) -> dict[str, str]:
        keys = {"crop_key": f"faces/{kind}/{subject_id}/crop.jpg", "aligned_key": f"faces/{kind}/{subject_id}/face.png"}
        for key in keys.values():
            self.blobs.put(key, JPEG)
        return keys

    def _vector(self, kind: str, subject_id: str) -> FaceVector:
        vector = np.zeros(16, "<f4")
        vector[0] = 1
        row = FaceVector(vector_id=derived_id(subject_id, MODEL), kind=kind, subject_id=subject_id, model=MODEL)
        row.vector, row.index_state, row.updated_at = vector.tobytes(), "indexed", now()
        return row


def ago(days: float) -> datetime:
    return now() - timedelta(days=days)
