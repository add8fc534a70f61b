"""One line a step, with the seconds since the start; a step's own output is shown only when it fails."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "stamps"
#: A step that takes longer says so again after this many seconds.
SIGN_OF_LIFE_S = 15.0
_POLL_S = 0.1
_LAST_LINES = 25
CHINESE = next((v for v in map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG")) if v), "").startswith("zh")


class StepFailed(Exception):
    """A step did not succeed; the text is for the person at the terminal."""


class Steps:
    """Progress of this run, on stderr."""

    def __init__(self) -> None:
        self._started_at = time.monotonic()
        self._said_anything = False

    def say(self, english: str, chinese: str) -> None:
        self._said_anything = True
        sys.stderr.write(f"[{time.monotonic() - self._started_at:6.1f} s] {chinese if CHINESE else english}\n")
        sys.stderr.flush()

    def done(self) -> None:
        if self._said_anything:
            self.say("installed", "安装完成")

    def run(self, command: Sequence[str | Path], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
        """Run a command to its end; its output, both streams together.

        Raises:
            StepFailed: it ended with an error; the text holds its last lines.
        """
        log = STAMPS.parent / "install.log" if VENV.is_dir() else None
        words = [str(word) for word in command]
        with (log or Path(os.devnull)).open("w+b") as output:
            process = subprocess.Popen(
                words, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
            )
            try:
                self._wait(process)
            except BaseException:
                process.terminate()
                process.wait()
                raise
            output.seek(0)
            text = output.read().decode(errors="replace")
        if process.returncode:
            tail = "\n".join(text.splitlines()[-_LAST_LINES:])
            raise StepFailed(f"{tail}\n\n{' '.join(words)}: exit code {process.returncode}")
        return text

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        next_sign_at = time.monotonic() + SIGN_OF_LIFE_S
        while True:
            try:
                process.wait(_POLL_S)
            except subprocess.TimeoutExpired:
                if time.monotonic() >= next_sign_at:
                    next_sign_at += SIGN_OF_LIFE_S
                    self.say("    still at it", "    仍在进行")
            else:
                return


def digest(paths: Iterable[Path], *more: str) -> str:
    """A sum over the contents of `paths` (folders: every file below, in order) and some words."""
    total = hashlib.sha256("\0".join(more).encode())
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            total.update(f"\0{file.relative_to(ROOT)}\0".encode())
            total.update(file.read_bytes())
    return total.hexdigest()


def unless_stamped(name: str, made_from: str, make: Callable[[], None], *, still_there: bool = True) -> None:
    """Call `make` unless it succeeded before from the same things and what it made is `still_there`."""
    stamp = STAMPS / name
    if still_there and stamp.is_file() and stamp.read_text() == made_from:
        return
    make()
    STAMPS.mkdir(parents=True, exist_ok=True)
    stamp.write_text(made_from)
