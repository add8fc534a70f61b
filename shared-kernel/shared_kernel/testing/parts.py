"""One program as a part of a test: start, wait until it answers, stop, kill, start again. Other parts build on this.

Start parts from a thread that lives as long as they should (the main thread of pytest does): Linux ties the life of a
child to the thread that made it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from shared_kernel.testing.waiting import wait_until

_TETHER = Path(__file__).with_name("tether.py")
_LOG_TAIL_CHARS = 2000


class PartFailed(RuntimeError):
    """A part did not start; the text has the end of its log."""


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


class Part:
    """A program with a log. `with Part(...) as part:` starts it and stops it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        ready: Callable[[], object],
        log: Path,
        environment: Mapping[str, str] | None = None,
        start_timeout_s: float = 30.0,
    ) -> None:
        self.name = name
        self.log = log
        self._command = [str(word) for word in command]
        self._ready = ready
        self._environment = {**os.environ, **(environment or {})}
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running program.

        Raises:
            RuntimeError: it does not run.
        """
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"{self.name}: expected a running program, got none")
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start, and return when it answers.

        Raises:
            PartFailed: it ended or did not answer in time.
        """
        tethered = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *self._command]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                tethered, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )
        try:
            wait_until(lambda: not self.alive or self._ready(), self._start_timeout_s, f"{self.name} answers")
        except TimeoutError as error:
            self.kill()
            raise PartFailed(f"{error}\n{self.log_tail()}") from error
        if not self.alive:
            raise PartFailed(f"{self.name}: ended with {self._process.returncode} while starting\n{self.log_tail()}")
        return self

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ask it to end; kill it when it does not."""
        self._end(signal.SIGTERM, timeout_s)

    def kill(self) -> None:
        """As a power cut would: no time to write anything."""
        self._end(signal.SIGKILL, 10.0)

    def restart(self) -> None:
        """Kill and start again, on the same port with the same data."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Stop it from running without closing its connections: the peer that hangs."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def log_tail(self) -> str:
        """The last lines it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL_CHARS:] if self.log.exists() else ""

    def _end(self, how: signal.Signals, timeout_s: float) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
            os.killpg(process.pid, signal.SIGCONT)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout_s)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
