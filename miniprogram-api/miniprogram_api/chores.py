"""What the clock process does from time to time. Each chore is a function that may run twice without harm."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from miniprogram_api.accounting import add_time
from miniprogram_api.adapters.database import Database
from miniprogram_api.outages import begin_outage
from miniprogram_api.record import tell_camera
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.errors import NotFound
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import MESSAGES

log = get_logger(__name__)

#: A camera nobody reported for this long counts as offline.
SILENCE: Final = timedelta(seconds=30)
#: Live clients can resume within this time; the promise is an hour.
EVENTS_KEPT: Final = timedelta(hours=48)
ANSWERS_KEPT: Final = timedelta(hours=24)
THROTTLES_KEPT: Final = timedelta(days=1)
#: Photos that a killed process left behind.
INBOX_KEPT: Final = timedelta(hours=1)
#: How cameras were, and their outages, are kept this long.
AVAILABILITY_KEPT: Final = timedelta(days=400)
NO_REPORT: Final = "no_report"
_BATCH: Final = 200


def mark_silent_cameras(database: Database) -> int:
    """Cameras whose reports stopped are offline. Returns how many became so."""
    with database.write() as store:
        silent = store.cameras.silent_since(now() - SILENCE)
        for camera in silent:
            heard_at = camera.heard_at
            camera.state, camera.state_reason, camera.state_at = "offline", NO_REPORT, now()
            camera.state_detail = "no report from the stream service for 30 seconds"
            tell_camera(store, camera, camera.state_at, cause=f"silent/{heard_at.isoformat()}")
            since = camera.reported_at or heard_at
            begin_outage(store, camera, since, camera.state_at, reason=NO_REPORT, detail=camera.state_detail)
    return len(silent)


def account_disabled_cameras(database: Database) -> int:
    """The time of cameras that are switched off was wanted by nobody; nobody else would note it. Returns how many."""
    with database.write() as store:
        disabled = store.cameras.disabled()
        for camera in disabled:
            moment = now()
            if camera.accounted_at is not None:
                add_time(store, camera, max(camera.accounted_at, moment - AVAILABILITY_KEPT), moment, "paused")
            camera.accounted_at = moment
    return len(disabled)


def remove_old_availability(database: Database) -> int:
    """Drop what nobody asks for any more of how cameras were."""
    with database.write() as store:
        moment = now() - AVAILABILITY_KEPT
        return store.hours.delete_before(moment) + store.outages.delete_before(moment)


def trim_topics(bus: Bus) -> int:
    """Drop messages that every group has acknowledged."""
    return sum(bus.trim(kind) for kind in MESSAGES)


def trim_events(database: Database) -> int:
    """Drop live events that nobody can want any more."""
    removed = 0
    while True:
        with database.write() as store:
            found = store.events.delete_before(now() - EVENTS_KEPT, _BATCH)
        removed += found
        if found < _BATCH:
            return removed


def remove_old_evidence(database: Database, blobs: Blobs, days: int) -> int:
    """Passes older than `days` go: first the pictures, then the rows, so that no picture is left without a row."""
    removed, before = 0, now() - timedelta(days=days)
    while found := remove_passes(database, blobs, before, _BATCH):
        removed += found
    return removed


def remove_passes(database: Database, blobs: Blobs, before: datetime, limit: int) -> int:
    """Remove the oldest `limit` passes of those that opened before `before`. Returns how many there were."""
    with database.read() as store:
        pass_ids = store.passes.ids_before(before, limit)
        keys = [row.object_key for row in store.media.of_passes(pass_ids)] if pass_ids else []
    for key in keys:
        blobs.delete(key)
    if pass_ids:
        with database.write() as store:
            store.media.delete_of(pass_ids)
            store.passes.delete(pass_ids)
    return len(pass_ids)


def remove_expired(database: Database) -> int:
    """Sessions, answers to repeated requests and failed logins that no longer matter."""
    moment = now()
    with database.write() as store:
        return (
            store.auth_sessions.delete_expired(moment)
            + store.answers.delete_before(moment - ANSWERS_KEPT)
            + store.throttles.delete_old(moment - THROTTLES_KEPT)
        )


def empty_inbox(blobs: Blobs) -> int:
    """Photos whose request died before it could remove them."""
    removed = 0
    for key in blobs.older_than("inbox", now() - INBOX_KEPT):
        try:
            blobs.delete(key)
            removed += 1
        except NotFound:
            continue
    if removed:
        log.info("inbox emptied", extra=fields(objects=removed))
    return removed
