"""The parts tests stand on: they answer, keep data through a crash, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store

from shared_kernel.testing import free_port, wait_until
from shared_kernel.testing.mariadb import MariadbServer
from shared_kernel.testing.missing import skip_or_fail
from shared_kernel.testing.parts import Part, PartFailed, answers
from shared_kernel.testing.s3 import S3Server
from shared_kernel.testing.valkey import RedisServer


def _ask(port: int, command: str, timeout_s: float = 5) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.sendall(command.encode() + b"\r\n")
        return connection.recv(1000)


def test_redis_keeps_what_it_acknowledged_through_a_kill(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as redis:
        assert _ask(redis.port, "SET gate open") == b"+OK\r\n"
        redis.restart()
        assert b"open" in _ask(redis.port, "GET gate")
    assert not answers(redis.port)


def test_each_test_gets_an_empty_redis(redis_url: str, redis_server: RedisServer) -> None:
    assert redis_url.endswith(f":{redis_server.port}/0")
    assert _ask(redis_server.port, "DBSIZE") == b":0\r\n"


def test_a_frozen_part_keeps_its_port_and_thaws(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as redis:
        redis.freeze()
        with pytest.raises(TimeoutError):
            _ask(redis.port, "PING", timeout_s=0.3)
        redis.thaw()
        assert _ask(redis.port, "PING") == b"+PONG\r\n"


def test_mariadb_gives_each_test_its_own_utf8_database(mariadb_url: str, mariadb_server: MariadbServer) -> None:
    name = mariadb_url.rpartition("/")[2].partition("?")[0]
    found = mariadb_server.execute(
        f"SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{name}'"
    )
    assert found == (("utf8mb4",),)


def test_mariadb_keeps_committed_rows_through_a_kill(
    tmp_path: Path, cache: Path, mariadb_server: MariadbServer
) -> None:
    del mariadb_server  # asked for only to skip where there is none
    with MariadbServer(tmp_path, cache) as server:
        server.execute("CREATE DATABASE patrol")
        server.execute("CREATE TABLE patrol.t (x INT) ENGINE=InnoDB")
        server.execute("SET autocommit=1")
        server.execute("CREATE TABLE patrol.kept AS SELECT 7 AS x")
        server.restart()
        assert server.execute("SELECT x FROM patrol.kept") == ((7,),)


def test_s3_answers_only_with_the_right_keys(s3_server: S3Server, s3_url: str) -> None:
    bucket = s3_url.removeprefix("s3://").partition("?")[0]
    store = _store(s3_server, bucket)
    obstore.put(store, "a/b.jpg", b"picture")
    assert bytes(obstore.get(store, "a/b.jpg").bytes()) == b"picture"
    with pytest.raises(BaseError):
        obstore.get(_store(s3_server, bucket, secret_key="guessed-by-a-stranger"), "a/b.jpg")


def _store(server: S3Server, bucket: str, secret_key: str | None = None) -> S3Store:
    return S3Store(
        bucket,
        endpoint=server.endpoint,
        access_key_id=server.access_key,
        secret_access_key=secret_key or server.secret_key,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def test_a_part_that_ends_while_starting_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such camera')"]
    with pytest.raises(PartFailed, match="no such camera"):
        Part("broken", command, ready=lambda: False, log=tmp_path / "log").start()


def test_a_part_that_never_answers_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    part = Part("mute", command, ready=lambda: False, log=tmp_path / "log", start_timeout_s=0.3)
    with pytest.raises(PartFailed, match="mute answers: not within"):
        part.start()
    assert not part.alive


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_parts_die_with_the_process_that_started_them(tmp_path: Path) -> None:
    port = free_port()
    code = (
        "import sys, time, pathlib\nfrom shared_kernel.testing.valkey import RedisServer\n"
        f"RedisServer(pathlib.Path({str(tmp_path)!r}), {port}).start()\nprint('up', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"up\n"
        os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: not answers(port), 5, "the orphan is gone")


def test_a_missing_part_skips_on_a_laptop_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="no camera"):
        skip_or_fail("no camera")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no camera"):
        skip_or_fail("no camera")
