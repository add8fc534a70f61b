"""What the reports of a camera leave behind over a SQLite file: hours, outages, live events."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from miniprogram_api import chores
from miniprogram_api.adapters.availability import OutageFilter
from miniprogram_api.adapters.database import Database
from miniprogram_api.adapters.migrations import upgrade
from miniprogram_api.coverage import Kept
from miniprogram_api.record import record_report, tell_camera
from miniprogram_api.rules import hour_of
from shared_kernel.clock import now
from shared_kernel.messages import CameraReported, derived_id
from shared_kernel.tables import Camera, CameraOutage
from tests.emptying import as_migrated

CAMERA = derived_id("camera", 1)
BEGIN = datetime(2026, 1, 2, 3, 59, 50, tzinfo=UTC)


@pytest.fixture(scope="module")
def file() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'x.db'}"
        upgrade(url)
        made = Database(url)
        yield made
        made.close()


@pytest.fixture
def database(file: Database) -> Database:
    with file.engine.begin() as connection:
        as_migrated(connection)
    moment = now()
    with file.write() as store:
        camera = Camera(
            camera_id=CAMERA, name="gate", url_cipher="-", url_sha256=b"-", address="rtsp://h/", model="mask"
        )
        camera.enabled, camera.is_demo, camera.state, camera.skipped_frames = True, False, "connecting", 0
        camera.state_at = camera.heard_at = camera.created_at = camera.updated_at = moment
        store.cameras.add(camera)
    return file


def tell(database: Database, after_s: float, state: str, **fields: Any) -> None:
    """A report `after_s` seconds after BEGIN; times among the fields are seconds too."""
    values = {
        name: BEGIN + timedelta(seconds=value) if name.endswith("_since") and value is not None else value
        for name, value in fields.items()
    }
    message = CameraReported.model_validate(
        {"camera_id": CAMERA, "at": BEGIN + timedelta(seconds=after_s), "state": state, **values}
    )
    database.run(lambda store: record_report(store, message))


def hours(database: Database) -> list[Kept]:
    with database.read() as store:
        kept = store.hours.of_camera(CAMERA, hour_of(BEGIN), BEGIN + timedelta(days=1))
    return [kept[hour] for hour in sorted(kept)]


def outages(database: Database) -> list[CameraOutage]:
    with database.read() as store:
        return list(store.outages.page(OutageFilter(), 10))


def told(database: Database) -> list[tuple[str, bool]]:
    """The outage events, and whether the camera is back."""
    with database.read() as store:
        rows = store.events.after(0, 100)
    return [(row.event, json.loads(row.payload)["back"]) for row in rows if row.event.startswith("camera_")]


def test_the_time_between_two_reports_belongs_to_the_state_of_the_first(database: Database) -> None:
    tell(database, 0, "online")
    tell(database, 6, "degraded", reason="few_pictures", analysed_frames=30, skipped_frames=1)
    tell(database, 16, "stale", analysed_frames=70, skipped_frames=11)
    tell(database, 18, "connecting")
    tell(database, 20, "offline")
    tell(database, 26, "paused")
    tell(database, 36, "paused")
    before, after = hours(database)
    assert before == Kept(online_s=6, degraded_s=4, analysed_frames=30, skipped_frames=1)
    assert after == Kept(degraded_s=6, stale_s=2, offline_s=8, paused_s=10, analysed_frames=40, skipped_frames=10)


def test_a_report_that_comes_twice_or_late_counts_once(database: Database) -> None:
    for after_s in (0, 10, 10, 5, 0):
        tell(database, after_s, "online", analysed_frames=after_s * 5)
    assert sum(hours(database), Kept()) == Kept(online_s=10, analysed_frames=50)


def test_a_time_without_reports_is_not_known(database: Database) -> None:
    tell(database, 0, "online", analysed_frames=5)
    tell(database, 600, "online", analysed_frames=5)
    tell(database, 610, "online", analysed_frames=2)  # it began again
    assert sum(hours(database), Kept()) == Kept(online_s=10, analysed_frames=7)


def test_an_outage_is_one_row_and_two_events(database: Database) -> None:
    tell(database, 0, "online", picture_since=-60)
    tell(database, 3, "connecting", reason="closed")
    tell(database, 13, "offline", reason="refused", outage_since=2.5)
    tell(database, 23, "offline", reason="refused", outage_since=2.5)
    [row] = outages(database)
    assert (row.began_at, row.noticed_at) == (BEGIN + timedelta(seconds=2.5), BEGIN + timedelta(seconds=13))
    assert (row.ended_at, row.reason) == (None, "refused")
    tell(database, 30, "online", picture_since=30, outage_since=2.5)  # not for good yet
    assert told(database) == [("camera_down", False)]
    tell(database, 45, "online", picture_since=30)
    assert [one.ended_at for one in outages(database)] == [BEGIN + timedelta(seconds=30)]
    assert told(database) == [("camera_down", False), ("camera_up", True)]
    tell(database, 55, "online", picture_since=30)
    assert len(told(database)) == 2


def test_a_stream_service_that_begins_again_does_not_end_an_outage_too_soon(database: Database) -> None:
    tell(database, 13, "offline", reason="refused", outage_since=0)
    tell(database, 20, "connecting")
    tell(database, 21, "online", picture_since=21)
    tell(database, 31, "online", picture_since=21)
    assert outages(database)[0].ended_at is None
    tell(database, 41, "online", picture_since=21)
    assert outages(database)[0].ended_at == BEGIN + timedelta(seconds=21)


def test_a_camera_that_shall_rest_has_no_outage(database: Database) -> None:
    tell(database, 13, "offline", reason="refused", outage_since=0)
    tell(database, 20, "paused", reason="plan")
    assert outages(database)[0].ended_at == BEGIN + timedelta(seconds=20)
    assert told(database)[-1] == ("camera_up", False)


def test_a_camera_that_is_switched_off_has_no_outage(database: Database) -> None:
    tell(database, 13, "offline", reason="refused", outage_since=0)
    with database.write() as store:
        camera = store.cameras.get(CAMERA)
        assert camera is not None
        camera.enabled = False
        tell_camera(store, camera, now(), cause="changed/1")
    assert told(database)[-1] == ("camera_up", False)
    tell(database, 23, "offline", reason="refused", outage_since=0)  # on its way already
    assert [one.ended_at is None for one in outages(database)] == [False]


def test_a_silent_camera_is_an_outage_until_it_is_heard_with_pictures(database: Database) -> None:
    tell(database, 0, "online", picture_since=-60)
    with database.write() as store:
        camera = store.cameras.get(CAMERA)
        assert camera is not None
        camera.heard_at = now() - timedelta(minutes=2)
    assert chores.mark_silent_cameras(database) == 1
    [row] = outages(database)
    assert (row.began_at, row.reason) == (BEGIN, "no_report")
    tell(database, 60, "online", picture_since=-60)
    assert told(database) == [("camera_down", False), ("camera_up", True)]


def test_the_time_of_a_camera_that_is_switched_off_was_wanted_by_nobody(database: Database) -> None:
    moment = now()
    with database.write() as store:
        camera = store.cameras.get(CAMERA)
        assert camera is not None
        camera.enabled, camera.accounted_at = False, moment - timedelta(minutes=90)
    assert chores.account_disabled_cameras(database) == 1
    assert chores.account_disabled_cameras(database) == 1
    with database.read() as store:
        kept = store.hours.of_camera(CAMERA, moment - timedelta(hours=4), moment + timedelta(hours=1))
    assert sum(kept.values(), Kept()).paused_s == pytest.approx(5400, abs=60)
    assert len(kept) >= 2


def test_what_is_too_old_goes(database: Database) -> None:
    tell(database, 0, "online", picture_since=-60)
    tell(database, 13, "offline", reason="refused", outage_since=0)
    long_ago = now() - chores.AVAILABILITY_KEPT - timedelta(days=1)
    with database.write() as store:
        store.hours.add(CAMERA, hour_of(long_ago), Kept(online_s=1))
        for n, ended in enumerate((long_ago, None)):
            store.outages.add(
                CameraOutage(
                    outage_id=derived_id("old", n),
                    camera_id=CAMERA,
                    began_at=long_ago,
                    noticed_at=long_ago,
                    ended_at=ended,
                )
            )
    assert chores.remove_old_availability(database) == 2
    assert len(outages(database)) == 2
