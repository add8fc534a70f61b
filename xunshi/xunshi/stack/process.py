"""One child process in a session of its own, that dies with its parent; what it costs; the end of its whole group."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

#: A log file larger than this is moved aside; one older one is kept.
MAX_LOG_BYTES = 10 * 1024 * 1024
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_Process = subprocess.Popen[bytes]


def start(argv: Sequence[str], env: Mapping[str, str], log: Path, *, cwd: Path) -> _Process:
    """Start `argv` as the leader of a new session and process group, both outputs appended to `log`.

    Must be called from a thread that lives as long as the program: the kernel's "parent is gone" is about the thread.

    Raises:
        OSError: the program cannot be started.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - the supervisor has one thread
        )


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def signal_group(pgid: int, number: signal.Signals) -> bool:
    """Signal every process of the group; False when there is none left."""
    try:
        os.killpg(pgid, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def memory_bytes(pgids: set[int]) -> dict[int, int]:
    """Memory of each process group and of what its members started, which may have a group of its own as decoders do.

    Shared pages are counted proportionally where the kernel tells.
    """
    total = dict.fromkeys(pgids, 0)
    running = {pid: (parent, pgrp) for pid, parent, pgrp in _processes()}
    for pid in running:
        owner = pid
        while owner in running and running[owner][1] not in pgids:
            owner = running[owner][0]
        if owner in running:
            total[running[owner][1]] += _proportional(Path("/proc", str(pid)))
    return total


def _processes() -> Iterator[tuple[int, int, int]]:
    """Number, parent and group of every process that is more than a zombie."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # comm may hold blanks and brackets; what follows its last bracket is: state ppid pgrp
            state, parent, pgrp = (process / "stat").read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if state != "Z":
            yield int(process.name), int(parent), int(pgrp)


def _proportional(process: Path) -> int:
    for name, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            for line in (process / name).read_text().splitlines():
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
        except OSError:
            continue
    return 0


def rotate(log: Path) -> None:
    """Move a log that grew too large aside: copied and emptied, since its writer keeps the file open to append."""
    try:
        if log.stat().st_size <= MAX_LOG_BYTES:
            return
        aside = log.with_suffix(".log.1")
        aside.write_bytes(log.read_bytes())
        os.truncate(log, 0)
    except FileNotFoundError:
        return
