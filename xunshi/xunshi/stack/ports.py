"""Ports: is one free, who has it, and a few free ones for the inner parts. Linux tells the holder through /proc."""

from __future__ import annotations

import contextlib
import errno
import random
import socket
from collections.abc import Iterator
from pathlib import Path

from xunshi.stack.problem import StackProblem
from xunshi.words import choose

#: Inner ports are taken from here: below the range from which the kernel takes ports for outgoing connections.
INNER_PORTS = range(20_000, 30_000)
_TRIES = 200
_LISTEN = "0A"


def require_free(host: str, port: int) -> None:
    """Raises:
    StackProblem: the port is taken, or may not be used by this user.
    """
    problem = _trouble(host, port)
    if problem is None:
        return
    if problem == errno.EACCES:
        raise StackProblem(
            choose(
                f"port {port}: this user may not listen on it; use one above 1023, for example --port 8080",
                f"端口 {port}：当前用户无权监听；请使用 1023 以上的端口，例如 --port 8080",
            )
        )
    who = holder(port)
    raise StackProblem(
        choose(
            f"port {port}: in use by {who or 'another program'}. Stop that, or take another: --port {port + 1}",
            f"端口 {port} 已被{who or '其他程序'}占用。请停止它，或换一个端口：--port {port + 1}",
        )
    )


def free_ports(host: str, count: int) -> list[int]:
    """Different ports that nobody listens on.

    Raises:
        StackProblem: none found.
    """
    found: list[int] = []
    for _ in range(_TRIES):
        port = random.choice(INNER_PORTS)
        if port not in found and _trouble(host, port) is None:
            found.append(port)
        if len(found) == count:
            return found
    raise StackProblem(f"ports: expected {count} free ones in {INNER_PORTS}, found {len(found)}")


def is_open(host: str, port: int, *, timeout_s: float = 0.3) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(timeout_s)
        return probe.connect_ex((host, port)) == 0


def holder(port: int) -> str:
    """Name and process id of who listens on a TCP port, or nothing when that cannot be seen."""
    wanted = set(_listening_inodes(port))
    for process in Path("/proc").glob("[0-9]*") if wanted else ():
        with contextlib.suppress(OSError):  # another user's process, or one that just ended
            if wanted.intersection(_links(process / "fd")):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return ""


def _links(folder: Path) -> Iterator[str]:
    for link in folder.iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            yield str(link.readlink())


def _trouble(host: str, port: int) -> int | None:
    with socket.socket() as probe:
        # as nginx does: connections that are only waiting to be forgotten do not count
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error.errno
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{columns[9]}]"
