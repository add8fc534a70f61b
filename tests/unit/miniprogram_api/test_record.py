"""The story of step 4 over a SQLite file: whatever the order and number of reports, one row with the right count."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miniprogram_api.adapters.database import Database
from miniprogram_api.adapters.migrations import upgrade
from miniprogram_api.adapters.passes import PassFilter
from miniprogram_api.record import FENCE_KEPT, record_pass, record_report
from miniprogram_api.rules import hour_of
from shared_kernel.clock import now
from shared_kernel.errors import Poison
from shared_kernel.messages import (
    Box,
    CameraReported,
    Evidence,
    MaskState,
    PassObserved,
    derived_id,
    new_id,
)
from shared_kernel.tables import Camera, EventLog
from tests.emptying import as_migrated

CAMERA = derived_id("camera", 1)
BEGIN = datetime(2026, 1, 2, 3, 59, 58, tzinfo=UTC)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'x.db'}"
        upgrade(url)
        made = Database(url)
        yield made
        made.close()


@pytest.fixture
def empty(database: Database) -> Database:
    clear(database)
    return database


def clear(database: Database) -> None:
    with database.engine.begin() as connection:
        as_migrated(connection)


def report(
    pass_number: int, *, closing: bool, state: MaskState = MaskState.WITHOUT_MASK, late_s: int = 0
) -> PassObserved:
    pass_id = derived_id("pass", pass_number)
    opened_at = BEGIN + timedelta(seconds=pass_number)
    seen_at = opened_at + timedelta(seconds=10 if closing else 0)
    evidence = Evidence(key=f"evidence/{pass_id}/{'closed' if closing else 'opened'}.jpg", width=9, height=9, bytes=9)
    return PassObserved(
        pass_id=pass_id,
        phase="closed" if closing else "opened",
        camera_id=CAMERA,
        opened_at=opened_at,
        last_seen_at=seen_at + timedelta(seconds=late_s),
        closed_at=seen_at if closing else None,
        state=state,
        confidence=0.5,
        frames=9 if closing else 3,
        box=Box(x0=0.1, y0=0.1, x1=0.2, y1=0.2),
        face=evidence,
        scene=evidence.model_copy(update={"key": evidence.key.replace(".jpg", "-scene.jpg")}),
    )


def take(database: Database, *messages: PassObserved) -> None:
    for message in messages:
        database.run(lambda store, message=message: record_pass(store, message))  # type: ignore[misc]


def facts(database: Database) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]], list[str]]:
    """Rows of passes, counts that are not zero, and the causes of live events."""
    with database.read() as store:
        rows = [
            (row.pass_id, row.state, row.frames, row.last_seen_at, row.closed_at, row.face_media_id, row.scene_media_id)
            for row in store.passes.page(PassFilter(), 1000)
        ]
        far = timedelta(days=1)
        counts = [one for one in store.counts.by_hour(BEGIN - far, BEGIN + far, None, None) if one[2]]
        events = sorted(event.message_id for event in store.events.after(0, 1000))
    return sorted(rows), sorted(counts), events


def test_opened_then_closed_is_one_row(empty: Database) -> None:
    opened, closed = report(1, closing=False), report(1, closing=True, state=MaskState.WITH_MASK)
    take(empty, opened, closed)
    [row], counts, events = facts(empty)
    assert row[1] == "with_mask"
    assert row[4] == closed.closed_at
    assert counts == [(hour_of(BEGIN), "with_mask", 1)]
    assert events == sorted([opened.message_id, closed.message_id])


def test_closing_alone_makes_a_whole_row(empty: Database) -> None:
    take(empty, report(1, closing=True))
    [row], counts, _ = facts(empty)
    assert row[4] is not None
    assert counts == [(hour_of(BEGIN), "without_mask", 1)]


STATES = st.sampled_from(list(MaskState))
PASSES = st.lists(st.tuples(STATES, STATES), min_size=1, max_size=4)


@given(PASSES, st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_and_repetition_do_not_matter(
    database: Database, passes: list[tuple[MaskState, MaskState]], data: st.DataObject
) -> None:
    clear(database)
    messages = [
        report(n, closing=closing, state=pair[closing]) for n, pair in enumerate(passes) for closing in (False, True)
    ]
    repeated = data.draw(st.lists(st.sampled_from(messages), max_size=8)) + messages
    take(database, *data.draw(st.permutations(repeated)))
    rows, counts, events = facts(database)
    assert [(row[0], row[1], row[2]) for row in rows] == sorted(
        (derived_id("pass", n), pair[1].value, 9) for n, pair in enumerate(passes)
    )
    expected = Counter((hour_of(BEGIN + timedelta(seconds=n)), pair[1].value) for n, pair in enumerate(passes))
    assert {(hour, state): passes for hour, state, passes in counts} == dict(expected)
    assert events == sorted(message.message_id for message in messages)


@pytest.mark.parametrize(
    "change",
    [
        {"pass_id": "x"},
        {"pass_id": "x" * 200},
        {"camera_id": "камера"},
        {"face": Evidence(key="x" * 300, width=1, height=1, bytes=1)},
        {"scene": Evidence(key="пример", width=1, height=1, bytes=1)},
    ],
)
def test_what_can_never_be_a_row_is_poison(empty: Database, change: dict[str, object]) -> None:
    with pytest.raises(Poison):
        take(empty, report(1, closing=False).model_copy(update=change))
    assert facts(empty) == ([], [], [])


def test_an_object_of_another_pass_is_poison(empty: Database) -> None:
    first = report(1, closing=False)
    with pytest.raises(Poison):
        take(empty, first, report(2, closing=False).model_copy(update={"face": first.face}))
    assert len(facts(empty)[0]) == 1


def add_camera(database: Database) -> None:
    moment = now()
    with database.write() as store:
        camera = Camera(
            camera_id=CAMERA, name="gate", url_cipher="-", url_sha256=b"-", address="rtsp://h/", model="mask"
        )
        camera.enabled, camera.is_demo, camera.state, camera.skipped_frames = True, False, "connecting", 0
        camera.state_at = camera.heard_at = camera.created_at = camera.updated_at = moment
        store.cameras.add(camera)


def tell(database: Database, **fields: object) -> Camera:
    values = {"camera_id": CAMERA, "at": BEGIN, "state": "online", "width": 1280, "height": 720, "codec": "h264"}
    message = CameraReported.model_validate({**values, **fields})
    database.run(lambda store: record_report(store, message))
    with database.read() as store:
        camera = store.cameras.get(CAMERA)
        assert camera is not None
        return camera


def events(database: Database) -> list[EventLog]:
    with database.read() as store:
        return list(store.events.after(0, 100))


def test_only_a_change_is_told(empty: Database) -> None:
    add_camera(empty)
    assert tell(empty).state == "online"
    later = BEGIN + timedelta(seconds=10)
    camera = tell(empty, at=later, skipped_frames=7, last_frame_at=later)
    assert (camera.state_at, camera.skipped_frames, camera.last_frame_at) == (BEGIN, 7, later)
    assert len(events(empty)) == 1
    down = tell(empty, at=later + timedelta(seconds=1), state="offline", reason="frozen", width=None)
    assert (down.state, down.state_reason, down.width) == ("offline", "frozen", 1280)
    assert len(events(empty)) == 2


def test_an_older_report_is_ignored(empty: Database) -> None:
    add_camera(empty)
    tell(empty, at=BEGIN + timedelta(seconds=10), state="offline", reason="refused")
    assert tell(empty, at=BEGIN).state == "offline"
    assert len(events(empty)) == 1


def test_a_replica_that_lost_the_camera_is_not_heard(empty: Database) -> None:
    add_camera(empty)
    tell(empty, at=BEGIN, fence=6)
    assert tell(empty, at=BEGIN + timedelta(seconds=20), fence=5, state="offline", reason="frozen").state == "online"
    assert tell(empty, at=BEGIN - timedelta(seconds=20), fence=7, state="stale").state == "stale"  # its clock is behind
    assert len(events(empty)) == 2


def test_after_silence_of_the_newest_replica_an_older_one_is_heard(empty: Database) -> None:
    add_camera(empty)
    tell(empty, at=BEGIN, fence=6)
    with empty.write() as store:
        camera = store.cameras.get(CAMERA)
        assert camera is not None
        camera.heard_at = now() - FENCE_KEPT - timedelta(seconds=1)
    assert tell(empty, at=BEGIN - timedelta(seconds=1), fence=5, state="stale").fence == 5


def test_an_owner_whose_clock_is_behind_is_believed(empty: Database) -> None:
    add_camera(empty)
    assert tell(empty, at=now() - timedelta(days=1)).state == "online"


def test_a_report_about_no_camera_of_ours_is_ignored(empty: Database) -> None:
    empty.run(lambda store: record_report(store, CameraReported(camera_id=new_id(), at=BEGIN, state="online")))
    assert events(empty) == []
    with pytest.raises(Poison):
        empty.run(lambda store: record_report(store, CameraReported(camera_id="ö", at=BEGIN, state="online")))
