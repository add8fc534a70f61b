"""Examines the whole installation of one machine: folder, parts, page, database, disk, memory, files, cameras.

Each check gives findings in the shape of the stream doctor's, in both languages, so that `xunshi doctor` prints both
alike. Nothing is changed. For one camera see `stream_service.doctor`.
"""

from __future__ import annotations

import http.client
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from shared_kernel import artifacts
from shared_kernel.artifacts import Artifact
from shared_kernel.bus import Bus
from shared_kernel.errors import XunshiError
from shared_kernel.examination import StageFinding, Words
from xunshi.places import DASHBOARD, FACE_WEIGHTS_LIST, SAMPLES, SAMPLES_LIST, WEIGHTS, WEIGHTS_LIST
from xunshi.stack.folder import DataFolder, StackState
from xunshi.stack.records import Records

_GIB: Final = 1024**3
_LITTLE_DISK, _NO_DISK = 0.10, 0.03
_LITTLE_MEMORY_BYTES: Final = _GIB // 2
#: More restarts since `up` began are worth a word.
_MANY_RESTARTS: Final = 3
_ANSWER_S: Final = 5.0
_WELL: Final = ("ready", "done")
#: States of a camera that are as they should be.
_FINE: Final = ("online", "paused", "disabled", "connecting")

Status = Literal["ok", "warning", "failed", "skipped"]
Remark = tuple[Words, Words]


def check_installation(folder: DataFolder) -> Iterator[StageFinding]:
    """All findings, each when it is there. A check that needs the running stack is skipped while nothing runs."""
    state = folder.state() if folder.is_locked() else None
    checks: tuple[Callable[[DataFolder, StackState | None], Iterator[StageFinding]], ...] = (
        _folder,
        _parts,
        _page,
        _bus,
        _database,
        _disk,
        _memory,
        _files,
        _cameras,
    )
    for check in checks:
        began_s = time.monotonic()
        for finding in check(folder, state):
            yield finding.model_copy(update={"took_ms": round((time.monotonic() - began_s) * 1000)})
            began_s = time.monotonic()


def _finding(
    stage: str, name: tuple[str, str], status: Status, found: tuple[str, str] | str, remark: Remark | None = None
) -> StageFinding:
    learnt = Words(zh=found, en=found) if isinstance(found, str) else Words(zh=found[0], en=found[1])
    return StageFinding(
        stage=stage,
        name=Words(zh=name[0], en=name[1]),
        status=status,
        found=learnt,
        problem=remark[0] if remark else None,
        advice=remark[1] if remark else None,
    )


def _remark(problem: tuple[str, str], advice: tuple[str, str]) -> Remark:
    return Words(zh=problem[0], en=problem[1]), Words(zh=advice[0], en=advice[1])


def _folder(folder: DataFolder, _: StackState | None) -> Iterator[StageFinding]:
    name = ("数据目录", "Data folder")
    if not os.access(folder.path, os.W_OK):
        remark = _remark(
            ("目录不能写入", "it cannot be written"), ("检查目录的属主和权限", "look at its owner and rights")
        )
        yield _finding("folder", name, "failed", str(folder.path), remark)
        return
    folder.secrets()  # raises what to do when nothing was ever started here
    open_to_others = (folder.path / "secrets.json").stat().st_mode & 0o077
    remark = _remark(
        ("其他用户可以读取密钥", "other users can read the secrets"),
        ("执行 chmod 600 secrets.json", "chmod 600 secrets.json"),
    )
    if open_to_others:
        yield _finding("folder", name, "warning", str(folder.path), remark)
    else:
        yield _finding("folder", name, "ok", str(folder.path))


def _parts(folder: DataFolder, state: StackState | None) -> Iterator[StageFinding]:
    name = ("服务", "Services")
    if state is None:
        yield _finding("parts", name, "skipped", ("没有运行；用 xunshi up 启动", "nothing runs; start with xunshi up"))
        return
    for part in state.parts:
        if part.state not in _WELL or part.restarts > _MANY_RESTARTS:
            found = (
                f"{part.name}：{part.state}，重启 {part.restarts} 次",
                f"{part.name}: {part.state}, {part.restarts} restarts",
            )
            remark = _remark(
                ("没有就绪或反复重启", "is not ready, or restarts again and again"),
                (f"查看日志 {part.log or folder.logs}", f"look at the log {part.log or folder.logs}"),
            )
            yield _finding(f"part {part.name}", name, "failed" if part.state not in _WELL else "warning", found, remark)
    well = sum(part.state in _WELL for part in state.parts)
    status: Status = "ok" if well == len(state.parts) else "failed"
    yield _finding("parts", name, status, (f"{well}/{len(state.parts)} 个就绪", f"{well} of {len(state.parts)} ready"))


def _page(_: DataFolder, state: StackState | None) -> Iterator[StageFinding]:
    name = ("网页与接口", "Page and API")
    if state is None:
        return
    parts = urlsplit(state.address if "//" in state.address else f"http://{state.address}")
    bad = []
    for path in ("/", "/api/openapi.json", "/live/openapi.json", "/infer/openapi.json"):
        try:
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_ANSWER_S)
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            if answer.status >= http.client.BAD_REQUEST:
                bad.append(f"{path} {answer.status}")
            connection.close()
        except OSError as error:
            bad.append(f"{path} {type(error).__name__}")
    if bad:
        remark = _remark(
            ("有地址没有应答", "not everything answers"),
            ("查看 gateway 和对应服务的日志", "look at the logs of the gateway and of that service"),
        )
        yield _finding("page", name, "failed", ", ".join(bad), remark)
    else:
        yield _finding("page", name, "ok", state.address)


def _bus(folder: DataFolder, state: StackState | None) -> Iterator[StageFinding]:
    name = ("消息队列", "Message bus")
    redis_url = Records.of(folder.path).redis_url if state else None
    if redis_url is None:
        return
    bus = Bus(redis_url)
    try:
        bus.ping()
        yield _finding("bus", name, "ok", ("有应答", "answers"))
    except XunshiError as error:
        remark = _remark(
            ("Redis 没有应答", "Redis does not answer"), ("查看 redis 的日志和内存", "look at its log and its memory")
        )
        yield _finding("bus", name, "failed", str(error), remark)
    finally:
        bus.close()


def _database(folder: DataFolder, _: StackState | None) -> Iterator[StageFinding]:
    from miniprogram_api import commands

    name = ("数据库", "Database")
    try:
        users, cameras = len(commands.list_users(folder.database_url)), len(commands.list_cameras(folder.database_url))
    except XunshiError as error:
        remark = _remark(
            ("数据库不能读取", "it cannot be read"),
            ("先运行一次 xunshi up 升级数据库；检查磁盘", "run xunshi up once, which migrates it; look at the disk"),
        )
        yield _finding("database", name, "failed", str(error), remark)
        return
    found = (f"{users} 个用户，{cameras} 个摄像头", f"{users} users, {cameras} cameras")
    yield _finding("database", name, "ok", found)


def _disk(folder: DataFolder, _: StackState | None) -> Iterator[StageFinding]:
    usage = shutil.disk_usage(folder.path)
    share, free = usage.free / usage.total, usage.free / _GIB
    found = (f"剩余 {free:.1f} GiB（{share:.0%}）", f"{free:.1f} GiB free ({share:.0%})")
    remark = _remark(
        ("磁盘快满了", "the disk is nearly full"),
        (
            "缩短录像与证据的保留天数，或更换更大的磁盘",
            "keep recordings and evidence for fewer days, or use a larger disk",
        ),
    )
    status: Status = "failed" if share < _NO_DISK else "warning" if share < _LITTLE_DISK else "ok"
    yield _finding("disk", ("磁盘", "Disk"), status, found, None if status == "ok" else remark)


def _memory(_: DataFolder, __: StackState | None) -> Iterator[StageFinding]:
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return
    remark = _remark(
        ("可用内存很少", "little memory is left"),
        ("减少摄像头或 --workers，或增加内存", "fewer cameras or --workers, or more memory"),
    )
    little = free < _LITTLE_MEMORY_BYTES
    found = (f"可用 {free / _GIB:.1f} GiB", f"{free / _GIB:.1f} GiB available")
    yield _finding("memory", ("内存", "Memory"), "warning" if little else "ok", found, remark if little else None)


def _files(_: DataFolder, __: StackState | None) -> Iterator[StageFinding]:
    """Weights and samples by name and size only: their sums are `xunshi models verify`'s."""
    lists: list[tuple[list[Artifact], Path]] = [
        (list(artifacts.load(path)), place)
        for path, place in ((WEIGHTS_LIST, WEIGHTS), (FACE_WEIGHTS_LIST, WEIGHTS), (SAMPLES_LIST, SAMPLES))
        if path.is_file()
    ]
    missing = [one.name for listed, place in lists for one in listed if not (place / one.file).is_file()]
    name = ("模型与网页文件", "Weights and page")
    if missing:
        remark = _remark(("缺少文件", "files are missing"), ("执行 xunshi models fetch", "run xunshi models fetch"))
        yield _finding("files", name, "failed", ", ".join(missing), remark)
    elif not (DASHBOARD / "index.html").is_file():
        remark = _remark(("网页没有构建", "the page is not built"), ("执行 make up", "run make up"))
        yield _finding("files", name, "failed", str(DASHBOARD), remark)
    else:
        yield _finding("files", name, "ok", ("齐全", "all there"))


def _cameras(folder: DataFolder, state: StackState | None) -> Iterator[StageFinding]:
    from miniprogram_api import commands

    try:
        listed = commands.list_cameras(folder.database_url)
    except XunshiError:
        return  # said of the database already
    for camera in listed:
        name = (f"摄像头 {camera.name}", f"Camera {camera.name}")
        if state is None:
            yield _finding("camera", name, "skipped", ("没有运行", "nothing runs"))
            continue
        size = f" {camera.width} × {camera.height}" if camera.width else ""
        detail = f" {camera.state_detail or camera.state_reason}" if camera.state_reason else ""
        found = f"{camera.state}{size}{detail}"
        if camera.state in _FINE:
            yield _finding("camera", name, "ok", found)
            continue
        remark = _remark(
            ("没有正常的画面", "gives no proper picture"),
            (f"执行 xunshi doctor {camera.camera_id} 逐步检查", f"run xunshi doctor {camera.camera_id}"),
        )
        yield _finding("camera", name, "warning" if camera.state == "degraded" else "failed", found, remark)
