"""Imports with the enrolment that the worker has: the same rules as one by one, a line of the report each."""

from __future__ import annotations

import io
import threading
import zipfile
from pathlib import Path
from typing import Any

from face_search.import_lines import Wanted
from face_search.importing import PREFIX, Importer, new_import
from shared_kernel.messages import new_id
from shared_kernel.tables import FaceImportLine, FaceSample, FaceVector
from tests.integration.face_search.canned import Portrait, photo
from tests.integration.face_search.gallery import Gallery
from tests.integration.face_search.world import World, settings


def imported(world: World, files: dict[str, bytes]) -> dict[str, tuple[str, str | None]]:
    """Outcome and reason by file."""
    parts, archive, import_id = world.parts, io.BytesIO(), new_id()
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    parts.blobs.put(f"{PREFIX}/{import_id}.zip", archive.getvalue())
    with world.database.write() as store:
        store.imports.add(new_import(import_id, f"{PREFIX}/{import_id}.zip", "all.zip", Wanted(), None))
    importer = Importer(world.database, parts.blobs, parts.enrolment("job"), max_unpacked_bytes=10**7)
    assert importer.run_next(threading.Event())
    lines = Gallery(world.database, parts.blobs).rows(FaceImportLine, FaceImportLine.import_id == import_id)
    return {line.file: (line.outcome, line.reason) for line in lines}


def test_a_bundle_is_enrolled_by_the_same_rules(sqlite_url: str, redis_url: str, tmp_path: Path) -> None:
    world = World(settings(tmp_path, sqlite_url, redis_url, samples_per_person=2))
    files = {
        "Ada/1.png": photo(Portrait(5)),
        "Ada/2.png": photo(Portrait(5, look=1)),
        "Ada/3.png": photo(Portrait(5, look=2)),
        "Bob/1.png": photo(Portrait(17)),
        "Bob/2.png": photo(Portrait(40)),
        "Cy.png": photo(Portrait(33), Portrait(34)),
        "Di.png": photo(Portrait(33, side_px=24)),
        "Ed.png": photo(Portrait(33, covered=True)),
        "Fay.png": photo(),
        "Guy.png": b"\x89PNG\r\n\x1a\n broken",
        "Her twin.png": photo(Portrait(5, look=3)),
    }
    expected: dict[str, Any] = {
        "Ada/1.png": ("accepted", None),
        "Ada/2.png": ("accepted", None),
        "Ada/3.png": ("refused", "too_many_samples"),
        "Bob/1.png": ("accepted", None),
        "Bob/2.png": ("refused", "other_face"),
        "Cy.png": ("refused", "several_faces"),
        "Di.png": ("refused", "too_small"),
        "Ed.png": ("refused", "covered"),
        "Fay.png": ("refused", "no_face"),
        "Guy.png": ("refused", "truncated"),
        "Her twin.png": ("refused", "face_of_other"),
    }
    assert imported(world, files) == expected
    again = {name: ("repeated", "repeated") if was[0] == "accepted" else was for name, was in expected.items()}
    assert imported(world, files) == again
    gallery = Gallery(world.database, world.parts.blobs)
    samples, vectors = gallery.rows(FaceSample), gallery.rows(FaceVector)
    assert {row.source for row in samples} == {"import"}
    assert {row.subject_id for row in vectors} == {row.sample_id for row in samples}
    assert gallery.objects() >= {key for row in samples for key in (row.crop_key, row.aligned_key)}
    world.parts.close()
