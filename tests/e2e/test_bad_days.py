"""Bad days: a worker, Redis, the database or the API goes away under load. Everything comes back; a pass is one row."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from shared_kernel.testing import wait_until
from tests.e2e.scene import Scene
from xunshi.testing import ApiClient, RunningStack

pytestmark = pytest.mark.timeout(300)

#: Somebody walks before the camera for the first ten seconds; a fault at this time meets a pass in the making.
MIDDLE_OF_A_PASS_S = 3.0
BACK_WITHIN_S = 60.0


def kill(stack: RunningStack, part: str) -> None:
    """`kill -9` of a part, and back again under another process id."""
    before = stack.pid_of(part)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: stack.pid_of(part) != before and stack.all_ready(), BACK_WITHIN_S, f"{part} is back")


@contextmanager
def locked_database(stack: RunningStack) -> Iterator[None]:
    """Nobody else can write."""
    other = sqlite3.connect(stack.folder.path / "xunshi.db", isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        other.rollback()
        other.close()


def kill_worker(stack: RunningStack) -> None:
    kill(stack, "infer-worker")


def kill_redis(stack: RunningStack) -> None:
    kill(stack, "redis")


def kill_recorder(stack: RunningStack) -> None:
    kill(stack, "recorder")


def kill_api(stack: RunningStack) -> None:
    kill(stack, "api")


def kill_gateway(stack: RunningStack) -> None:
    kill(stack, "gateway")


def lock_database_for_ten_seconds(stack: RunningStack) -> None:
    with locked_database(stack):
        time.sleep(10)  # the fault itself, not a wait for something


@pytest.mark.parametrize(
    "fault",
    [kill_worker, kill_redis, kill_recorder, kill_api, kill_gateway, lock_database_for_ten_seconds],
    ids=lambda fault: fault.__name__,
)
def test_every_pass_is_exactly_one_row(
    lasting_stack: RunningStack, gate: str, scene: Scene, fault: Callable[[RunningStack], None]
) -> None:
    client = lasting_stack.client()
    camera_id = client.add_camera(fault.__name__, gate)
    wait_until(lambda: client.camera(camera_id)["state"] == "online", 20, "camera is live")
    time.sleep(MIDDLE_OF_A_PASS_S)  # the moment of the fault
    fault(lasting_stack)
    wait_until(lambda: recorded(client, camera_id, scene), BACK_WITHIN_S, "every pass closed and counted")
    assert client.camera(camera_id)["state"] == "online"
    client.delete(f"/cameras/{camera_id}")


def recorded(client: ApiClient, camera_id: str, scene: Scene) -> bool:
    """Each person is one row, closed, with both pictures; the counters agree."""
    passes = client.passes(camera_id=camera_id)
    states = [one["state"] for one in passes]
    assert {state: states.count(state) for state in states} == dict(scene.truth)
    assert all(one["closed_at"] for one in passes)
    assert all(client.get_bytes(one[kind])[:2] == b"\xff\xd8" for one in passes for kind in ("face_url", "scene_url"))
    start = min(one["opened_at"] for one in passes)[:13] + ":00:00Z"
    totals = client.get("/counters", **{"from": start, "bucket": "hour", "camera_id": camera_id})["totals"]
    return {state: count for state, count in totals.items() if count} == dict(scene.truth)


def test_live_events_go_on_after_redis_was_killed(lasting_stack: RunningStack, gate: str, scene: Scene) -> None:
    client = lasting_stack.client()
    with client.listen() as listener:
        kill_redis(lasting_stack)
        camera_id = client.add_camera("North gate", gate)

        def seen() -> bool:
            passes = {
                event.data["pass"]["pass_id"]
                for event in listener.events
                if event.kind == "pass" and event.data["pass"]["camera_id"] == camera_id
            }
            return len(passes) == scene.truth.total()

        wait_until(seen, BACK_WITHIN_S, "live events of both people")
