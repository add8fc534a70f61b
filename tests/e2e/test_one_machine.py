"""`xunshi up` as its users treat it: twice at once, with a taken port, in production, ended in every way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from shared_kernel.testing import free_port, wait_until
from xunshi.testing import RunningStack, gone

pytestmark = pytest.mark.timeout(240)


def xunshi(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "LC_ALL": "C.UTF-8", **environment}
    command: Sequence[str] = [sys.executable, "-m", "xunshi", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def group_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[2])


def everything_of(stack: RunningStack) -> set[int]:
    """Every process of the stack: `up`, and all members of the groups of its parts."""
    leaders = stack.pids()
    found = set(leaders)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if group_of(int(process.name)) in leaders:
                found.add(int(process.name))
        except (OSError, ValueError):
            continue
    return found


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_nothing_is_left_however_it_ends(stack: RunningStack, how: signal.Signals) -> None:
    everything = everything_of(stack)
    assert len(everything) > 10, "gunicorn's and nginx's children belong to it"
    os.kill(stack.pid, how)
    wait_until(lambda: all(gone(pid) for pid in everything), 15, f"{len(everything)} processes gone")
    # the guardian holds the lock until all others are gone, and ends then
    wait_until(lambda: not stack.folder.is_locked(), 15, "the data folder is free")


def test_a_second_up_is_refused_and_harms_nothing(lasting_stack: RunningStack, tmp_path: Path) -> None:
    before = lasting_stack.pids()
    same_folder = xunshi("up", "--data", str(lasting_stack.folder.path), "--port", str(free_port()))
    assert same_folder.returncode == 1
    assert str(lasting_stack.state().pid) in same_folder.stderr
    same_port = xunshi("up", "--data", str(tmp_path / "other"), "--port", str(lasting_stack.port))
    assert same_port.returncode == 1
    assert "nginx" in same_port.stderr
    assert lasting_stack.pids() == before
    assert lasting_stack.client().get("/cameras")["items"] == []


def test_status_and_commands_speak_of_the_running_stack(lasting_stack: RunningStack) -> None:
    data = ("--data", str(lasting_stack.folder.path))
    parts = [json.loads(line) for line in xunshi("status", "--json", *data).stdout.splitlines()]
    assert {part["state"] for part in parts} == {"ready", "done"}
    assert all(part["memory_bytes"] > 0 for part in parts if part["pid"])
    added = xunshi("camera", "add", "Nobody", "rtsp://user:secret@127.0.0.1:9/x", *data)
    assert added.returncode == 0, added.stderr
    listed = xunshi("camera", "list", *data).stdout
    assert added.stdout.strip() in listed
    assert "secret" not in listed
    client = lasting_stack.client()
    wait_until(lambda: client.camera(added.stdout.strip())["state_reason"] == "refused", 20, "the camera's reason")
    assert xunshi("camera", "rm", "Nobody", *data).returncode == 0
    guard = xunshi("user", "add", "wang", *data)
    assert client.try_log_in("wang", guard.stdout.strip())


def test_a_second_start_keeps_everything_and_shows_no_password(tmp_path: Path) -> None:
    with RunningStack(tmp_path / "data") as first:
        client = first.client()
        camera_id = client.add_camera("North gate", "rtsp://127.0.0.1:9/gate")
    with RunningStack(tmp_path / "data") as second:
        assert "first login" not in second.said()
        client = second.stranger()
        client.log_in("admin", "a-password-of-my-own-1")
        assert client.camera(camera_id)["name"] == "North gate"


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = xunshi("up", "--data", str(tmp_path / "data"), "--port", str(port))
    assert answer.returncode == 1
    assert f"port {port}" in answer.stderr
    assert str(os.getpid()) in answer.stderr
    assert not (tmp_path / "data" / "logs" / "redis.log").exists()


@pytest.mark.parametrize("name", ["XUNSHI_ENVIRONMENT", "STREAM_ENVIRONMENT"])
def test_embedded_parts_refuse_production(tmp_path: Path, name: str) -> None:
    answer = xunshi("up", "--data", str(tmp_path / "data"), "--port", str(free_port()), **{name: "production"})
    assert answer.returncode == 1
    assert "production" in answer.stderr
    assert not (tmp_path / "data").exists()


def test_the_terminal_speaks_chinese_where_the_language_is(tmp_path: Path) -> None:
    answer = xunshi("status", "--data", str(tmp_path), LC_ALL="zh_CN.UTF-8")
    assert answer.returncode == 1
    assert "没有正在运行的巡视" in answer.stderr
