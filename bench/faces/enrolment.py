"""Ten thousand samples on their way: rows as enrolling writes them, one transaction each, then into the index.

Without networks, whose speed is a figure of its own (`speed`): what is measured is what grows with the gallery. SQLite
with a commit that survives a power cut, as the one-machine stack has it. Memory is that of this process, which does the
worker's part of both.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from bench.faces.vectors import DIMENSION, MODEL, identifier, made_up, resident_mb
from bench.figure import Figure
from face_search.adapters.milvus import MilvusIndex
from face_search.adapters.store import Store
from face_search.indexing import compare
from face_search.syncing import Syncer
from miniprogram_api.adapters.migrations import upgrade
from shared_kernel.clock import now
from shared_kernel.database import Database
from shared_kernel.messages import derived_id
from shared_kernel.tables import FaceSample, Person
from shared_kernel.testing.milvus import MilvusServer

SAMPLES: Final = 10_000


def figures() -> Iterator[Figure]:
    """Samples a second into SQL and from there into the index, memory, and whether both agree in the end."""
    with tempfile.TemporaryDirectory() as folder, MilvusServer(Path(folder) / "milvus") as server:
        url = f"sqlite:///{folder}/xunshi.db"
        upgrade(url)
        database, index = Database(url, Store), MilvusIndex(server.url)
        syncer = Syncer(database, index, MODEL, DIMENSION)
        syncer.step()
        began, before_mb = time.perf_counter(), resident_mb(os.getpid())
        _enrol(database)
        yield Figure("enrol 10,000: into SQL", SAMPLES / (time.perf_counter() - began), None, "1/s")
        began = time.perf_counter()
        while syncer.step():
            pass
        yield Figure("enrol 10,000: into the index", SAMPLES / (time.perf_counter() - began), None, "1/s")
        yield Figure("enrol 10,000: memory that the worker took", resident_mb(os.getpid()) - before_mb, None, "MB")
        yield Figure("enrol 10,000: greatest memory of the worker", _greatest_mb(), None, "MB")
        yield Figure("enrol 10,000: memory of the index", resident_mb(server.pid), None, "MB")
        found = compare(database, index, MODEL)
        yield Figure("enrol 10,000: in both", float(found.entries if found.none else 0), float(SAMPLES), "")
        index.close()
        database.close()


def _enrol(database: Database[Store]) -> None:
    faces = made_up(SAMPLES)
    for number, vector in enumerate(faces.vectors):
        sample_id, person_id = identifier(number), derived_id("person", number)
        row = FaceSample(sample_id=sample_id, person_id=person_id, content_sha256=number.to_bytes(32), covered=False)
        row.crop_key = row.aligned_key = f"faces/samples/{sample_id}/face.png"
        row.source, row.quality, row.quality_reasons, row.mask_state = "import", 0.9, "", "without_mask"
        row.created_at = now()
        with database.write() as store:
            store.people.add(_person(person_id))
            store.samples.add(row)
            store.vectors.add("sample", sample_id, MODEL, np.asarray(vector))


def _person(person_id: str) -> Person:
    row = Person(person_id=person_id, name=person_id[-6:], note="", basis="consent", basis_detail="")
    row.created_at = row.updated_at = now()
    return row


def _greatest_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
