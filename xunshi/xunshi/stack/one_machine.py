"""The life of `xunshi up`: check, lock, start, say where it is, watch, stop. Uses everything else of this package."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click

from shared_kernel import clock
from xunshi.places import DASHBOARD, DEFAULT_DATA
from xunshi.stack import parts
from xunshi.stack.folder import FIRST_LOGIN, DataFolder, StackState
from xunshi.stack.ports import require_free
from xunshi.stack.problem import StackProblem
from xunshi.stack.supervisor import Supervisor
from xunshi.words import choose

#: How often the running parts are looked at.
WATCH_EVERY_S = 0.25
#: While starting, what is still missing is named this often.
STILL_STARTING_EVERY_S = 3.0


@dataclass(frozen=True)
class Options:
    """What `xunshi up` was asked."""

    data: Path
    host: str
    port: int
    demo: bool
    workers: int = 1
    streams: int = 1


class Signals:
    """Counts what the person or the system asks of this process: once to stop, twice to hurry."""

    def __init__(self) -> None:
        self.asked = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1

    def stopped(self) -> bool:
        return self.asked > 0

    def hurried(self) -> bool:
        return self.asked > 1


def run(options: Options) -> None:
    """Run the stack in the foreground until it is asked to stop.

    Raises:
        StackProblem: it cannot be started; nothing of it is left running then.
    """
    _refuse_production()
    if not (DASHBOARD / "index.html").is_file():
        raise StackProblem(
            choose("the dashboard is not built: run `make install` first", "界面尚未构建：请先运行 `make install`")
        )
    folder = DataFolder.at(options.data)
    folder.make()
    lock = folder.lock()
    require_free(options.host, options.port)
    signals = Signals()
    started_at = time.monotonic()
    ports = parts.Ports.choose(options.workers, max(options.streams, folder.spools_in_use()))
    listen = f"{options.host}:{options.port}"
    listed = parts.one_machine(
        folder, folder.secrets(make=True), ports, listen, demo=options.demo, streams=options.streams
    )
    shown = "127.0.0.1" if options.host == "0.0.0.0" else options.host
    address = f"http://{shown}:{options.port}"

    def write_state() -> None:
        state = StackState(
            pid=os.getpid(),
            address=address,
            redis_port=ports.redis,
            api_port=ports.api,
            started_at=clock.rfc3339(clock.now()),
            parts=supervisor.states(),
        )
        folder.write_state(state)

    supervisor = Supervisor(listed, folder.logs, folder.path, keep=(lock,), on_change=write_state, say=_tell)
    try:
        _bring_up(supervisor, signals)
        if not signals.stopped():
            _announce(folder, address, time.monotonic() - started_at, demo=options.demo)
        while not signals.stopped():
            supervisor.tick()
            time.sleep(WATCH_EVERY_S)
        click.echo(choose("stopping", "正在停止"), err=True)
    finally:
        supervisor.stop(hurry=signals.hurried)
        folder.forget_state()


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _refuse_production() -> None:
    for service in ("XUNSHI", "MINIPROGRAM", "STREAM", "INFERENCE", "FACE_SEARCH"):
        name = f"{service}_ENVIRONMENT"
        if os.environ.get(name, "").lower() == "production":
            raise StackProblem(
                choose(
                    f"{name}=production: `xunshi up` brings its own Redis and database and is not for production; "
                    "start the services one by one against yours",
                    f"{name}=production：`xunshi up` 自带 Redis 与数据库，不用于生产；请分别启动各服务并连接自有集群",
                )
            )


def _bring_up(supervisor: Supervisor, signals: Signals) -> None:
    next_at = time.monotonic() + STILL_STARTING_EVERY_S

    def stopped_or_tell() -> bool:
        nonlocal next_at
        if time.monotonic() >= next_at:
            next_at += STILL_STARTING_EVERY_S
            names = ", ".join(supervisor.waiting_for())
            click.echo(choose(f"still starting: {names}", f"正在启动：{names}"), err=True)
        return signals.stopped()

    click.echo(choose("starting Xunshi", "正在启动巡视"), err=True)
    supervisor.bring_up(stopped_or_tell)


def _announce(folder: DataFolder, address: str, took_s: float, *, demo: bool) -> None:
    say = click.echo
    say(
        choose(
            f"\nXunshi is running: {address}   ({took_s:.1f} s)", f"\n巡视已启动：{address}   （用时 {took_s:.1f} 秒）"
        )
    )
    first = folder.run / FIRST_LOGIN
    if first.is_file():
        login = json.loads(first.read_text())
        name, password = login["username"], login["password"]
        say(
            choose(
                f"  first login: {name} / {password}   (shown once; you will choose your own)",
                f"  首次登录：{name} / {password}   （仅显示一次，登录后请自行设置新密码）",
            )
        )
        first.unlink()
    command = Path(os.path.relpath(Path(sys.executable).with_name("xunshi")))
    data = "" if folder == DataFolder.at(DEFAULT_DATA) else f" --data {folder.path}"
    say(
        choose(
            f"  add a camera: on the Cameras page, or: {command} camera add NAME rtsp://user:password@host/path{data}",
            f"  添加摄像头：在“摄像头”页面，或：{command} camera add 名称 rtsp://用户:密码@地址/路径{data}",
        )
    )
    if demo:
        say(choose("  a demo camera plays until you add your own", "  在添加自己的摄像头之前，播放演示画面"))
    say(choose(f"  data: {folder.path}   stop: Ctrl-C", f"  数据：{folder.path}   停止：Ctrl-C"))
    sys.stdout.flush()
