"""Ends every process group of a stack whose supervisor vanished. Stands alone: standard library, started with `-I -S`.

Reads `+<pgid>` and `-<pgid>` lines from the supervisor. When the pipe closes, however the supervisor ended, whatever is
still listed is asked to stop and, a few seconds later, made to. Holds the data folder's lock until then.
"""

from __future__ import annotations

import os
import signal
import sys
import time

#: Time to stop in order before the groups are killed.
GRACE_S = 3.0
_POLL_S = 0.05


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a terminal's Ctrl-C is the supervisor's business
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    _signal(groups, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    while groups and time.monotonic() < deadline:
        groups = {group for group in groups if _exists(group)}
        time.sleep(_POLL_S)
    _signal(groups, signal.SIGKILL)


def _signal(groups: set[int], number: signal.Signals) -> None:
    for group in groups:
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            continue


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main()
