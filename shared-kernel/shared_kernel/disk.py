"""The disk that holds the objects, where they are files: how much of it is free, and whether more may be put there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

#: The disk is asked again after this long, seconds.
_ASK_EVERY_S: Final = 2.0


class Disk(NamedTuple):
    """Bytes of the file system that holds the objects."""

    total: int
    free: int

    @property
    def free_share(self) -> float:
        return self.free / max(1, self.total)


def disk_of(blobs_url: str) -> Disk | None:
    """The disk of objects that are files; None for a store elsewhere, which has its own limits."""
    parts = urlsplit(blobs_url)
    if parts.scheme != "file":
        return None
    usage = shutil.disk_usage(Path(parts.path))
    return Disk(usage.total, usage.free)


class DiskGuard:
    """Says whether more than `reserve` (share of the disk, 0..1) is free. Thread safe: a race asks twice."""

    def __init__(self, reserve: float, disk: Callable[[], Disk | None]) -> None:
        self._reserve, self._disk = reserve, disk
        self._asked_s = float("-inf")
        self._room = True

    def has_room(self) -> bool:
        """Whether there is room; a disk that cannot be asked keeps its last answer."""
        if time.monotonic() - self._asked_s > _ASK_EVERY_S:
            self._asked_s = time.monotonic()
            try:
                disk = self._disk()
            except OSError:  # whoever writes to it will say what is wrong
                return self._room
            self._room = disk is None or disk.free_share >= self._reserve
        return self._room
