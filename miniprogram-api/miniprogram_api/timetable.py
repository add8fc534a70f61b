"""The clock process: runs the chores by APScheduler; of several clock processes one does each chore."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import Counter

from miniprogram_api import chores
from miniprogram_api.parts import Parts
from shared_kernel.errors import XunshiError
from shared_kernel.log import fields, get_logger

log = get_logger(__name__)

_runs = Counter("chores_total", "Chores by outcome", ["chore", "outcome"])
_SILENCE_EVERY_S: Final = 5
_TRIM_EVERY_S: Final = 60
_RETENTION_EVERY_S: Final = 600


def run(parts: Parts, stop: threading.Event) -> None:
    """Do the chores until `stop`."""
    scheduler = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
    days = parts.settings.evidence_days

    def add(name: str, every_s: int, chore: Callable[[], int]) -> None:
        scheduler.add_job(_guarded(parts, name, every_s, chore), "interval", seconds=every_s, id=name)

    scheduler.add_job(
        _reported("silent_cameras", lambda: chores.mark_silent_cameras(parts.database)),
        "interval",  # without a lock: it must work while Redis is away, and twice is harmless
        seconds=_SILENCE_EVERY_S,
    )
    add("trim_topics", _TRIM_EVERY_S, lambda: chores.trim_topics(parts.bus))
    add("trim_events", _RETENTION_EVERY_S, lambda: chores.trim_events(parts.database))
    add("evidence", _RETENTION_EVERY_S, lambda: chores.remove_old_evidence(parts.database, parts.blobs, days))
    add("expired", _RETENTION_EVERY_S, lambda: chores.remove_expired(parts.database))
    add("inbox", _RETENTION_EVERY_S, lambda: chores.empty_inbox(parts.blobs))
    scheduler.start()
    stop.wait()
    scheduler.shutdown(wait=False)


def _guarded(parts: Parts, name: str, every_s: int, chore: Callable[[], int]) -> Callable[[], None]:
    def alone() -> int:
        with parts.bus.alone(f"chore:{name}", ttl_s=max(60, every_s)) as mine:
            return chore() if mine else 0

    return _reported(name, alone)


def _reported(name: str, chore: Callable[[], int]) -> Callable[[], None]:
    def run_once() -> None:
        try:
            done = chore()
        except XunshiError as error:
            _runs.labels(name, "failed").inc()
            log.warning("chore failed, it runs again later", extra=fields(chore=name, reason=error))
            return
        _runs.labels(name, "done").inc()
        if done:
            log.info("chore done", extra=fields(chore=name, n=done))

    return run_once
