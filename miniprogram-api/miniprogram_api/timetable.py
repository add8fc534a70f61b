"""The clock process: runs the chores by APScheduler; of several clock processes one does each chore."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import Counter

from miniprogram_api import archive_chores, chores, keeping
from miniprogram_api.parts import Parts
from shared_kernel.clock import now
from shared_kernel.disk import disk_of
from shared_kernel.errors import XunshiError
from shared_kernel.log import fields, get_logger

log = get_logger(__name__)

_runs = Counter("chores_total", "Chores by outcome", ["chore", "outcome"])
_SILENCE_EVERY_S: Final = 5
_DISABLED_EVERY_S: Final = 60
_TRIM_EVERY_S: Final = 60
_RETENTION_EVERY_S: Final = 600
_FULL_DISK_EVERY_S: Final = 15
_ORPHANS_EVERY_S: Final = 6 * 3600
_OVERDUE_EVERY_S: Final = 30


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
    add("disabled_cameras", _DISABLED_EVERY_S, lambda: chores.account_disabled_cameras(parts.database))
    add("availability", _RETENTION_EVERY_S, lambda: chores.remove_old_availability(parts.database))
    add("trim_topics", _TRIM_EVERY_S, lambda: chores.trim_topics(parts.bus))
    add("trim_events", _RETENTION_EVERY_S, lambda: chores.trim_events(parts.database))
    add("evidence", _RETENTION_EVERY_S, lambda: chores.remove_old_evidence(parts.database, parts.blobs, days))
    add("expired", _RETENTION_EVERY_S, lambda: chores.remove_expired(parts.database))
    add("inbox", _RETENTION_EVERY_S, lambda: chores.empty_inbox(parts.blobs))
    add("overdue_batches", _OVERDUE_EVERY_S, lambda: archive_chores.end_overdue_batches(parts.database))
    add("old_frames", _RETENTION_EVERY_S, lambda: _remove_old_frames(parts))
    _add_footage(parts, add)
    scheduler.start()
    stop.wait()
    scheduler.shutdown(wait=False)


def _add_footage(parts: Parts, add: Callable[[str, int, Callable[[], int]], None]) -> None:
    given, database, blobs = parts.settings, parts.database, parts.blobs
    limits = {"clip": given.keep_clips, "recording": given.keep_recordings}
    reserve = given.disk_reserve_percent / 100

    def clear() -> int:
        cleared = keeping.clear_full_disk(database, blobs, reserve, lambda: disk_of(given.blobs_url))
        return cleared.recordings + cleared.clips + cleared.passes

    add("footage", _TRIM_EVERY_S, lambda: keeping.remove_old_footage(database, blobs, limits))
    add("full_disk", _FULL_DISK_EVERY_S, clear)
    add("lost_footage", _ORPHANS_EVERY_S, lambda: keeping.remove_orphans(database, blobs, limits))


def _remove_old_frames(parts: Parts) -> int:
    before = now() - timedelta(days=parts.settings.archive_days)
    return archive_chores.remove_old_frames(parts.database, parts.blobs, before)


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
