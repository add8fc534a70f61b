"""Runs a program that dies with its parent. Used by `parts` as `python tether.py PARENT_PID PROGRAM ARGUMENT…`.

On Linux the kernel kills the program when its parent ends, however that happens. Elsewhere it only gets its own process
group. A script and not a `preexec_fn`, because code between fork and exec is unsafe in a process with threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Replace this process by the program."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked to be told
            sys.exit(1)
    os.execvpe(command[0], command, os.environ)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
