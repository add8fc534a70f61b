"""What the worker process does, each in a thread of its own. Owners of a task add their line here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

from face_search import keeping
from face_search.erasing import Eraser
from face_search.parts import Parts
from shared_kernel.bus import Task


def tasks(parts: Parts) -> Sequence[Task]:
    """Everything that works beside the web, by name."""
    return (("keeping", lambda stop: _keep(parts, stop)),)


def _keep(parts: Parts, stop: threading.Event) -> None:
    """Erasures, expiry, retention."""
    eraser = Eraser(parts.database, parts.blobs, parts.bus.publish)
    limits = keeping.Limits(timedelta(days=parts.settings.sighting_days), timedelta(days=parts.settings.query_days))
    keeping.run(parts.bus, keeping.chores(parts.database, parts.blobs, eraser, limits), stop)
