"""A stack of small programs under the real supervisor, run as `python toy_stack.py FOLDER`, to be killed by tests.

Writes `<part>.pids` files: the part's own process id and that of a child which it forked.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from xunshi.stack.readiness import KeepsRunning
from xunshi.stack.supervisor import Part, Supervisor

FORKING = """
import os, pathlib, signal, sys, time
stubborn = sys.argv[2] == "stubborn"
child = os.fork()
if child:
    pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {child}")
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(600)
"""


def toy_parts(folder: Path) -> list[Part]:
    return [
        Part(name, (sys.executable, "-c", FORKING, str(folder / f"{name}.pids"), name), KeepsRunning(0.1), stage=stage)
        for name, stage in (("first", 0), ("second", 1), ("stubborn", 2))
    ]


def main() -> None:
    folder = Path(sys.argv[1])
    supervisor = Supervisor(toy_parts(folder), folder, folder, keep=(), on_change=lambda: None, say=lambda _: None)
    supervisor.bring_up(lambda: False)
    (folder / "up").touch()
    while True:
        supervisor.tick()
        time.sleep(0.05)


if __name__ == "__main__":
    main()
