"""Whatever is killed in between, every accepted message ends as exactly one row."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from miniprogram_api.adapters.database import Database
from miniprogram_api.adapters.migrations import upgrade
from miniprogram_api.adapters.passes import PassFilter
from miniprogram_api.record import record_pass
from miniprogram_api.recorder import GROUP, recording
from shared_kernel.bus import Bus
from shared_kernel.errors import Unavailable
from shared_kernel.messages import CameraReported, PassObserved, new_id
from shared_kernel.testing import wait_until
from shared_kernel.testing.mariadb import MariadbServer
from shared_kernel.testing.missing import PartMissing, skip_or_fail
from shared_kernel.testing.valkey import RedisServer
from tests.integration.miniprogram_api.processes import Process
from tests.integration.miniprogram_api.world import World, closed, observed, read_by_others, settings

LOCKED_FOR_S = 10.0


def rows(database: Database) -> list[str]:
    with database.read() as store:
        return sorted(row.pass_id for row in store.passes.page(PassFilter(), 10_000))


def counted(database: Database) -> int:
    with database.read() as store:
        return sum(store.counts.total())


def trimmed(bus: Bus) -> int:
    """How many passes everybody has."""
    read_by_others(bus, PassObserved)
    return bus.trim(PassObserved)


@contextmanager
def working(bus: Bus, database: Database) -> Iterator[None]:
    """A recorder's thread for passes."""
    stop = threading.Event()
    worker = recording(bus.subscribe(PassObserved, GROUP), database, record_pass)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_messages_become_rows(world: World) -> None:
    camera_id = new_id()
    messages = [observed(camera_id) for _ in range(40)]
    with world.recording():
        for message in messages:
            world.parts.bus.publish(message)
            world.parts.bus.publish(closed(message))
        wait_until(lambda: len(rows(world.database)) == 40)
        wait_until(lambda: trimmed(world.parts.bus) and not world.parts.bus.backlog(PassObserved))
    assert rows(world.database) == sorted(message.pass_id for message in messages)
    assert counted(world.database) == 40


def test_a_worker_killed_with_a_message_in_hand(world: World, tmp_path: Path) -> None:
    """It recorded, and died before it could acknowledge; another takes over and finds the row."""
    message = observed(new_id())
    world.parts.bus.publish(message)
    [delivery] = world.parts.bus.subscribe(PassObserved, GROUP).receive()
    world.database.run(lambda store: record_pass(store, delivery.message))
    with working(world.parts.bus, world.database):
        wait_until(lambda: trimmed(world.parts.bus) == 1, 25, "the message is taken over and acknowledged")
    assert rows(world.database) == [message.pass_id]
    assert counted(world.database) == 1


def test_a_recorder_process_killed_under_load(small_world: World, tmp_path: Path) -> None:
    messages = [observed(new_id()) for _ in range(300)]
    with Process("recorder", small_world.settings, tmp_path) as recorder:
        for n, message in enumerate(messages):
            small_world.parts.bus.publish(message)
            if n == 100:
                wait_until(lambda: rows(small_world.database))
                recorder.restart()
        wait_until(lambda: len(rows(small_world.database)) == 300, 40, "all are recorded")
        wait_until(lambda: trimmed(small_world.parts.bus) or not small_world.parts.bus.backlog(PassObserved), 30)
    assert rows(small_world.database) == sorted(message.pass_id for message in messages)
    assert counted(small_world.database) == 300


def test_two_recorders_share_the_work(world: World) -> None:
    messages = [observed(new_id()) for _ in range(60)]
    with working(world.parts.bus, world.database), working(world.parts.bus, world.database):
        for message in messages:
            for report in (message, closed(message), message):
                world.parts.bus.publish(report)
        wait_until(lambda: len(rows(world.database)) == 60 and not world.parts.bus.pending(PassObserved, GROUP), 30)
    with world.database.read() as store:
        assert all(row.closed_at for row in store.passes.page(PassFilter(), 100))
    assert counted(world.database) == 60


def test_redis_killed_and_restarted_under_load(sqlite_url: str, tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as redis:
        world = World(settings(tmp_path, sqlite_url, redis.url))
        accepted: list[str] = []
        with working(world.parts.bus, world.database):
            for n in range(200):
                message = observed(new_id())
                try:
                    world.parts.bus.publish(message)
                except Unavailable:
                    continue  # not accepted: the camera's owner keeps it and tries again
                accepted.append(message.pass_id)
                if n in (60, 130):
                    redis.restart()
            wait_until(lambda: set(rows(world.database)) >= set(accepted), 40, "all accepted ones are recorded")
            wait_until(lambda: not world.parts.bus.pending(PassObserved, GROUP), 30)
        assert len(accepted) > 150
        found = rows(world.database)
        assert len(found) == len(set(found))
        assert counted(world.database) == len(found)
        world.parts.close()


def test_a_database_locked_for_ten_seconds(small_world: World) -> None:
    path = small_world.settings.database_url.get_secret_value().removeprefix("sqlite:///")
    message, later = observed(new_id()), observed(new_id())
    intruder = sqlite3.connect(path, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    small_world.parts.bus.publish(message)
    small_world.parts.bus.publish(later)
    with working(small_world.parts.bus, small_world.database):
        # another consumer must not get it meanwhile, though it is in hand for longer than the bus allows
        thief = small_world.parts.bus.subscribe(PassObserved, GROUP)
        wait_until(lambda: small_world.parts.bus.pending(PassObserved, GROUP) == 2)
        stolen = [one for _ in range(round(LOCKED_FOR_S) + 2) for one in thief.receive(block_ms=1000)]
        assert stolen == []
        assert rows(small_world.database) == []
        intruder.execute("ROLLBACK")
        intruder.close()
        wait_until(lambda: len(rows(small_world.database)) == 2, 20)
    assert small_world.parts.bus.dead_letters(PassObserved) == []
    assert counted(small_world.database) == 2


def test_a_database_gone_for_ten_seconds(redis_url: str, tmp_path: Path, cache: Path) -> None:
    try:
        server = MariadbServer(tmp_path / "mariadb", cache)
    except PartMissing as missing:
        skip_or_fail(str(missing))
    with server:
        url = server.make_database()
        upgrade(url)
        world = World(settings(tmp_path, url, redis_url))
        messages = [observed(new_id()) for _ in range(30)]
        with working(world.parts.bus, world.database):
            for message in messages[:10]:
                world.parts.bus.publish(message)
            wait_until(lambda: len(rows(world.database)) == 10)
        server.kill()
        for message in messages[10:]:
            world.parts.bus.publish(message)
        with working(world.parts.bus, world.database):
            thief = world.parts.bus.subscribe(PassObserved, GROUP)
            wait_until(lambda: world.parts.bus.pending(PassObserved, GROUP) == 20)
            assert [one for _ in range(11) for one in thief.receive(block_ms=1000)] == []
            answer = world.call("POST", "/auth/login", json={"username": "admin", "password": "x"})
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
            assert world.app.test_client().get("/readyz").get_json()["missing"].keys() == {"database"}
            server.start()
            wait_until(lambda: len(rows(world.database)) == 30, 20)
        assert rows(world.database) == sorted(message.pass_id for message in messages)
        assert counted(world.database) == 30
        assert world.parts.bus.dead_letters(PassObserved) == []
        world.parts.close()


def test_poison_is_buried_and_the_next_is_recorded(world: World) -> None:
    good = observed(new_id())
    with working(world.parts.bus, world.database):
        world.parts.bus.publish(observed("no camera id"))
        world.parts.bus.publish(good)
        wait_until(lambda: rows(world.database) == [good.pass_id])
    [(_, reason, _)] = world.parts.bus.dead_letters(PassObserved)
    assert "camera_id" in reason


def test_reports_of_cameras_are_recorded(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    with world.recording():
        report = CameraReported(
            camera_id=camera_id, at=observed(camera_id).opened_at, state="online", width=640, height=360
        )
        world.parts.bus.publish(report)
        wait_until(lambda: world.call("GET", f"/cameras/{camera_id}", token).get_json()["state"] == "online")


def test_two_processes_migrate_at_once(tmp_path: Path, redis_url: str) -> None:
    given = settings(tmp_path, f"sqlite:///{tmp_path / 'new.db'}", redis_url)
    outcomes: list[BaseException] = []

    def migrate() -> None:
        try:
            upgrade(given.database_url.get_secret_value())
        except BaseException as error:  # noqa: BLE001 - the test tells
            outcomes.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == []


@pytest.mark.parametrize("name", ["web", "recorder", "clock"])
def test_a_process_stops_within_five_seconds(small_world: World, tmp_path: Path, name: str) -> None:
    with Process(name, small_world.settings, tmp_path) as process:
        assert process.asked("/readyz") == 200
        assert process.asked("/metrics") == 200
        process.stop(timeout_s=5.0)
        assert "Traceback" not in process.log_tail()
