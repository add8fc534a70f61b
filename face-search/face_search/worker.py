"""What the worker process does, each in a thread of its own. Owners of a task add their line here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

from face_search import importing, keeping
from face_search.enrol import Enrolment
from face_search.erasing import Eraser
from face_search.finding import Finder
from face_search.importing import Importer
from face_search.parts import Parts
from face_search.resemblance import Others
from shared_kernel.bus import Task


def tasks(parts: Parts) -> Sequence[Task]:
    """Everything that works beside the web, by name."""
    return (
        ("keeping", lambda stop: _keep(parts, stop)),
        ("imports", lambda stop: importing.run(_importer(parts), stop)),
    )


def _keep(parts: Parts, stop: threading.Event) -> None:
    """Erasures, expiry, retention."""
    finder = Finder(parts.database, parts.index, parts.thresholds, parts.reader.model)
    eraser = Eraser(parts.database, parts.blobs, parts.bus.publish, finder.alike)
    limits = keeping.Limits(timedelta(days=parts.settings.sighting_days), timedelta(days=parts.settings.query_days))
    keeping.run(parts.bus, keeping.chores(parts.database, parts.blobs, eraser, limits), stop)


def _importer(parts: Parts) -> Importer:
    """Enrols in bulk: its pictures hurry less than those that somebody waits for."""
    enrolment = Enrolment(
        database=parts.database,
        blobs=parts.blobs,
        decoder=parts.decoder,
        reader=parts.reader,
        others=Others(parts.index, parts.thresholds, parts.reader.model),
        samples_per_person=parts.settings.samples_per_person,
        urgency="job",
    )
    unpacked = round(parts.settings.import_gigabytes * 1e9)
    return Importer(parts.database, parts.blobs, enrolment, max_unpacked_bytes=unpacked)
