"""The supervisor's end of the pipe to its guardian. A guardian that was killed is replaced and told all again."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence

from xunshi.stack import guardian


class Guard:
    """Knows which process groups must not outlive the supervisor.

    Args:
        keep: descriptors that the guardian holds open until its work is done.
    """

    def __init__(self, keep: Sequence[int]) -> None:
        self._keep = tuple(keep)
        self._groups: set[int] = set()
        self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def add(self, group: int) -> None:
        self._groups.add(group)
        self._tell("+", group)

    def discard(self, group: int) -> None:
        self._groups.discard(group)
        self._tell("-", group)

    def check(self) -> None:
        """Replace a guardian that is gone."""
        if self._process.poll() is None:
            return
        self._close()
        self._process = self._start()
        for group in self._groups:
            self._tell("+", group)

    def close(self) -> None:
        """What is still listed ends now; returns when the guardian is done."""
        self._close()
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__],
            stdin=subprocess.PIPE,
            pass_fds=self._keep,
            start_new_session=True,
        )

    def _tell(self, sign: str, group: int) -> None:
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            return
        with contextlib.suppress(BrokenPipeError):  # it was killed; `check` starts another and tells it everything
            pipe.write(f"{sign}{group}\n".encode())
            pipe.flush()

    def _close(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
