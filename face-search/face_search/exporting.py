"""Everything that is stored on one person, as a ZIP to hand over: `person.json`, and the pictures beside it.

Of others it tells nothing: no second candidate of a sighting, no user who searched, no camera's address. What of the
person lies elsewhere is named in the file: scenes, clips and recordings are miniprogram-api's.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import IO, Any, Final

from face_search.adapters.store import Store
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now, rfc3339
from shared_kernel.database import Database
from shared_kernel.errors import NotFound
from shared_kernel.tables import FaceSample, Person, Sighting, WatchAlert

_PORTION: Final = 200
_ELSEWHERE: Final = (
    "Scenes, clips and recordings of cameras are kept by the API of this installation for the days that are set there. "
    "A sighting names the pass they belong to. 摄像头的场景图、短视频与录像由本系统的接口服务按设定天数保存。"
)


def export(database: Database[Store], blobs: Blobs, person_id: str, out: IO[bytes]) -> None:
    """Write the ZIP to `out`.

    Raises:
        NotFound: nobody of this id is enrolled.
        Unavailable: database or object store are away.
    """
    with database.read() as store:
        persons = store.traces.persons_with([person_id])
        rows = sorted(store.traces.persons(persons), key=lambda row: (row.merged_into is not None, row.person_id))
        if not rows:
            raise NotFound(f"person {person_id}: expected one who is enrolled, found none", code="no_person")
        samples = store.traces.samples(persons)
        document: dict[str, Any] = {
            "exported_at": rfc3339(now()),
            "persons": [{**_person(row), "lists": list(store.traces.lists_of(row.person_id))} for row in rows],
            "samples": [_sample(row) for row in samples],
            "sightings": [],
            "alerts": [_alert(row) for row in store.traces.alerts_of(persons)],
            "said_not_to_be": list(store.traces.negatives_of(persons)),
            "looked_for": [_look(*one) for one in store.traces.looks_for(persons)],
            "elsewhere": _ELSEWHERE,
        }
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        _add_pictures(archive, blobs, samples)
        for portion in _sightings(database, sorted(persons)):
            document["sightings"] += [_sighting(row) for row in portion]
            _add_pictures(archive, blobs, portion)
        text = json.dumps(document, ensure_ascii=False, indent=2)
        archive.writestr("person.json", text, zipfile.ZIP_DEFLATED)


def _sightings(database: Database[Store], person_ids: Sequence[str]) -> Iterator[Sequence[Sighting]]:
    after = ""
    while True:
        with database.read() as store:
            rows = store.traces.sightings_of(person_ids, _PORTION, after=after)
        if not rows:
            return
        yield rows
        after = rows[-1].sighting_id


def _add_pictures(archive: zipfile.ZipFile, blobs: Blobs, rows: Sequence[FaceSample | Sighting]) -> None:
    for row in rows:
        try:
            picture = blobs.get(row.crop_key)
        except NotFound:  # evidence whose days are over
            continue
        archive.writestr(_picture_name(row), picture)


def _picture_name(row: FaceSample | Sighting) -> str:
    if isinstance(row, FaceSample):
        return f"samples/{row.sample_id}.jpg"
    return f"sightings/{row.sighting_id}.jpg"


def _person(row: Person) -> dict[str, Any]:
    return {
        "person_id": row.person_id,
        "name": row.name,
        "external_ref": row.external_ref,
        "note": row.note,
        "basis": row.basis,
        "basis_detail": row.basis_detail,
        "consented_at": _moment(row.consented_at),
        "expires_at": _moment(row.expires_at),
        "merged_into": row.merged_into,
        "created_at": _moment(row.created_at),
        "updated_at": _moment(row.updated_at),
    }


def _sample(row: FaceSample) -> dict[str, Any]:
    return {
        "sample_id": row.sample_id,
        "picture": _picture_name(row),
        "source": row.source,
        "quality": row.quality,
        "mask_state": row.mask_state,
        "created_at": _moment(row.created_at),
    }


def _sighting(row: Sighting) -> dict[str, Any]:
    return {
        "sighting_id": row.sighting_id,
        "picture": _picture_name(row),
        "source": row.source,
        "source_id": row.source_id,
        "camera_id": row.camera_id,
        "seen_at": _moment(row.seen_at),
        "lon": None if row.lon is None else float(row.lon),
        "lat": None if row.lat is None else float(row.lat),
        "mask_state": row.mask_state,
        "decision": row.decision,
        "score": row.score,
    }


def _alert(row: WatchAlert) -> dict[str, Any]:
    return {
        "sighting_id": row.sighting_id,
        "lists": json.loads(row.list_names),
        "seen_at": _moment(row.seen_at),
        "raised_at": _moment(row.raised_at),
    }


def _look(at: datetime, kind: str, purpose: str) -> dict[str, Any]:
    return {"at": _moment(at), "kind": kind, "purpose": purpose}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
