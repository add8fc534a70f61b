"""The recorder: every message about passes, cameras, archives and persons becomes rows in a transaction of its own.

`record.py` and its neighbours say which rows, `shared_kernel.bus` how a message is held, acknowledged or buried.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from prometheus_client import Histogram

from miniprogram_api.adapters.database import Database
from miniprogram_api.adapters.store import Store
from miniprogram_api.archive import record_frames
from miniprogram_api.erasure import erase_person
from miniprogram_api.footage_record import record_footage
from miniprogram_api.record import record_pass, record_report
from miniprogram_api.sighted import record_sighting
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus, Subscription, Worker, run_tasks
from shared_kernel.clock import now
from shared_kernel.messages import (
    CameraReported,
    FootageRecorded,
    FramesArchived,
    Message,
    PassObserved,
    PersonErased,
    PersonSighted,
)

M = TypeVar("M", bound=Message)
Record = Callable[[Store, M], None]

GROUP: Final = "miniprogram-api"

_lag = Histogram(
    "record_lag_seconds",
    "From the decision about a pass to its row",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)


def recording(subscription: Subscription[M], database: Database, record: Record[M]) -> Worker[M]:
    """A worker that calls `record` in a transaction of its own for every message."""

    def handle(message: M) -> None:
        database.run(lambda store: record(store, message))
        if isinstance(message, PassObserved) and message.phase == "opened":
            _lag.observe(max(0.0, (now() - message.opened_at).total_seconds()))

    return Worker(subscription, handle)


def run(bus: Bus, database: Database, blobs: Blobs, stop: threading.Event) -> None:
    """Record until `stop`; one thread a kind of message."""
    tasks = (
        recording(bus.subscribe(PassObserved, GROUP), database, record_pass).task,
        recording(bus.subscribe(CameraReported, GROUP), database, record_report).task,
        recording(bus.subscribe(FramesArchived, GROUP), database, record_frames).task,
        recording(bus.subscribe(FootageRecorded, GROUP), database, record_footage).task,
        recording(bus.subscribe(PersonSighted, GROUP), database, record_sighting).task,
        recording(bus.subscribe(PersonErased, GROUP), database, partial(erase_person, blobs=blobs)).task,
    )
    run_tasks(tasks, stop)
