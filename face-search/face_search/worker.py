"""What the worker process does, each in a thread of its own. Owners of a task add their line here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, TypeVar

from face_search import importing, keeping
from face_search.erasing import Eraser
from face_search.identify import Identifier
from face_search.importing import Importer
from face_search.indexing import Embedder
from face_search.metrics import sighting_seconds
from face_search.parts import Parts
from face_search.rules import SERVICE
from face_search.syncing import LOCK, LOCK_TTL_S, Syncer
from shared_kernel.bus import Task, Worker
from shared_kernel.messages import PassObserved, PatrolPhotoTaken

M = TypeVar("M")

#: Messages that a worker takes at once: few, so that several workers share what waits.
HELD: Final = 8


def tasks(parts: Parts) -> Sequence[Task]:
    """Everything that works beside the web, by name."""
    return (
        ("keeping", lambda stop: _keep(parts, stop)),
        ("imports", lambda stop: importing.run(_importer(parts), stop)),
        *_recognising(parts),
    )


def _recognising(parts: Parts) -> Sequence[Task]:
    """Sightings of passes and photos; the index behind them, and vectors for faces that have none yet."""
    identifier = Identifier(
        parts.database,
        parts.blobs,
        parts.index,
        parts.reader,
        parts.decoder,
        thresholds=parts.thresholds,
        publish=parts.bus.publish,
    )
    embedded = threading.Event()
    embedder = Embedder(parts.database, parts.blobs, parts.reader)
    syncer = Syncer(parts.database, parts.index, parts.reader.model, parts.reader.dimension, embedded=embedded.is_set)
    return (
        Worker(parts.bus.subscribe(PassObserved, SERVICE), _timed(identifier.see_pass), batch=HELD).task,
        Worker(parts.bus.subscribe(PatrolPhotoTaken, SERVICE), _timed(identifier.see_photo), batch=HELD).task,
        ("embedding", lambda stop: embedder.keep_on(embedded, stop)),
        ("syncing", lambda stop: syncer.run(lambda: parts.bus.alone(LOCK, ttl_s=LOCK_TTL_S), stop)),
    )


def _timed(see: Callable[[M], None]) -> Callable[[M], None]:
    """The same, measured."""

    def timed(message: M) -> None:
        with sighting_seconds.time():
            see(message)

    return timed


def _keep(parts: Parts, stop: threading.Event) -> None:
    """Erasures, expiry, retention."""
    eraser = Eraser(parts.database, parts.blobs, parts.bus.publish, parts.finder().alike)
    limits = keeping.Limits(timedelta(days=parts.settings.sighting_days), timedelta(days=parts.settings.query_days))
    keeping.run(parts.bus, keeping.chores(parts.database, parts.blobs, eraser, limits), stop)


def _importer(parts: Parts) -> Importer:
    unpacked = round(parts.settings.import_gigabytes * 1e9)
    return Importer(parts.database, parts.blobs, parts.enrolment("job"), max_unpacked_bytes=unpacked)
