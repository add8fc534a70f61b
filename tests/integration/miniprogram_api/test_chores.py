from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from miniprogram_api import chores, timetable
from miniprogram_api.adapters.passes import PassFilter
from shared_kernel.clock import now
from shared_kernel.errors import NotFound
from shared_kernel.messages import PassObserved, new_id
from shared_kernel.testing import wait_until
from tests.integration.miniprogram_api.world import World, observed, read_by_others


def state_of(world: World, token: str, camera_id: str) -> tuple[str, str | None]:
    camera = world.call("GET", f"/cameras/{camera_id}", token).get_json()
    return camera["state"], camera["state_reason"]


def test_a_camera_that_nobody_reports_is_down(world: World) -> None:
    token = world.token()
    silent, heard, disabled = (world.camera(token) for _ in range(3))
    world.call("PATCH", f"/cameras/{disabled}", token, json={"enabled": False})
    with world.database.write() as store:
        for camera_id in (silent, disabled):
            camera = store.cameras.get(camera_id)
            assert camera is not None
            camera.heard_at = now() - chores.SILENCE - timedelta(seconds=1)
    assert chores.mark_silent_cameras(world.database) == 1
    assert chores.mark_silent_cameras(world.database) == 0
    assert state_of(world, token, silent) == ("offline", "no_report")
    assert state_of(world, token, heard) == ("connecting", None)
    with world.database.read() as store:
        told = store.events.after(0, 100)[-2:]
    assert [(one.event, one.scope_id) for one in told] == [("camera", silent), ("camera_down", silent)]
    assert all("no_report" in one.payload for one in told)


def test_old_evidence_goes_with_its_pictures(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    old = [world.observe(camera_id, age=timedelta(days=31)) for _ in range(3)]
    new = world.observe(camera_id, age=timedelta(days=29))
    assert chores.remove_old_evidence(world.database, world.parts.blobs, 30) == 3
    with world.database.read() as store:
        assert [row.pass_id for row in store.passes.page(PassFilter(), 10)] == [new.pass_id]
        assert store.media.of_passes(one.pass_id for one in old) == []
    with pytest.raises(NotFound):
        world.parts.blobs.get(old[0].face.key)
    assert world.parts.blobs.get(new.face.key)
    assert chores.remove_old_evidence(world.database, world.parts.blobs, 30) == 0


def test_the_newest_event_stays(world: World) -> None:
    camera_id = world.camera(world.token())
    for _ in range(3):
        world.observe(camera_id)
    with world.database.write() as store:
        for row in store.events.after(0, 100):
            row.created_at = now() - chores.EVENTS_KEPT - timedelta(hours=1)
    assert chores.trim_events(world.database) == 3
    assert chores.trim_events(world.database) == 0


def test_what_expired_is_removed(world: World) -> None:
    user_id = world.user()
    token = str(world.log_in(user_id)["access_token"])
    world.call("POST", "/auth/login", json={"username": "nobody", "password": "wrong"})
    given = {"name": "n", "url": "rtsp://h/s"}
    world.call("POST", "/cameras", token, json=given, headers={"Idempotency-Key": "k"})
    assert chores.remove_expired(world.database) == 0
    long_ago = now() - timedelta(days=2)
    with world.database.write() as store:
        for throttle in store.throttles.all():
            throttle.updated_at = long_ago
        for answer in store.answers.all():
            answer.created_at = long_ago
        for session in store.auth_sessions.all():
            session.expires_at = long_ago
    assert chores.remove_expired(world.database) == 4  # the name's and the address's failures count apart
    assert world.call("GET", "/me", token).status_code == 401


def test_photos_left_behind_are_removed(small_world: World, tmp_path: Path) -> None:
    blobs = small_world.parts.blobs
    for key in ("inbox/old", "inbox/new", "evidence/old"):
        blobs.put(key, b"x")
    long_ago = time.time() - 2 * 3600
    for key in ("inbox/old", "evidence/old"):
        os.utime(tmp_path / "blobs" / key, (long_ago, long_ago))
    assert chores.empty_inbox(blobs) == 1
    assert blobs.get("inbox/new")
    assert blobs.get("evidence/old")


def test_recorded_messages_leave_the_topic(small_world: World) -> None:
    for _ in range(3):
        small_world.parts.bus.publish(observed(new_id()))
    assert chores.trim_topics(small_world.parts.bus) == 0

    def trimmed() -> bool:
        read_by_others(small_world.parts.bus, PassObserved)
        chores.trim_topics(small_world.parts.bus)
        return small_world.parts.bus.backlog(PassObserved) == 0

    with small_world.recording():
        wait_until(trimmed)


def test_of_two_clocks_one_does_a_chore(small_world: World) -> None:
    with small_world.parts.bus.alone("chore", ttl_s=5) as mine, small_world.parts.bus.alone("chore", ttl_s=5) as other:
        assert (mine, other) == (True, False)
    with small_world.parts.bus.alone("chore", ttl_s=5) as again:
        assert again


def test_the_clock_runs_until_it_is_stopped(small_world: World) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=timetable.run, args=(small_world.parts, stop))
    thread.start()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
