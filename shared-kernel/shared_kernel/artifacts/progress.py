"""How far a transfer is: a bar on a terminal, plain lines elsewhere. Used by `download` and `fetching`."""

from __future__ import annotations

import sys
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as RichBar

_BYTES_PER_MIB = 1024 * 1024


class Progress(Protocol):
    """What a transfer reports. One transfer at a time."""

    def started(self, what: str, done_bytes: int, total_bytes: int | None) -> None: ...

    def moved(self, done_bytes: int) -> None: ...

    def ended(self) -> None: ...

    def note(self, text: str) -> None:
        """A line for the reader: a source that failed, a file that was already there."""


class QuietProgress:
    """Says nothing."""

    def started(self, what: str, done_bytes: int, total_bytes: int | None) -> None:
        pass

    def moved(self, done_bytes: int) -> None:
        pass

    def ended(self) -> None:
        pass

    def note(self, text: str) -> None:
        pass


class LineProgress:
    """One line at the start of each transfer: for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def started(self, what: str, done_bytes: int, total_bytes: int | None) -> None:
        size = f"{total_bytes / _BYTES_PER_MIB:.1f} MiB" if total_bytes else "size unknown"
        resumed = f", resumed at {done_bytes / _BYTES_PER_MIB:.1f} MiB" if done_bytes else ""
        self.note(f"fetching {what} ({size}{resumed})")

    def moved(self, done_bytes: int) -> None:
        pass

    def ended(self) -> None:
        pass

    def note(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


class BarProgress:
    """A bar that is redrawn in place: for terminals."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream)
        self._bar: RichBar | None = None

    def started(self, what: str, done_bytes: int, total_bytes: int | None) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        self._bar = RichBar(*columns, console=self._console)
        self._bar.add_task(what, total=total_bytes, completed=done_bytes)
        self._bar.start()

    def moved(self, done_bytes: int) -> None:
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=done_bytes)

    def ended(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def progress_on(stream: TextIO | None = None) -> Progress:
    """Bar or lines, as the stream (stderr when not given) allows."""
    stream = stream or sys.stderr
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)
