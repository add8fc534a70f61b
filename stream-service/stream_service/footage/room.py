"""Whether the disk has room for more: recordings stop early, clips only at the very end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

from shared_kernel.log import fields, get_logger

log = get_logger(__name__)

Kind = Literal["clip", "recording"]
#: Clips may use what recordings leave, down to this part of the reserve.
_CLIPS_SHARE: Final = 0.25
#: The disk is asked again after this long, seconds.
_ASK_EVERY_S: Final = 2.0


class Usage(NamedTuple):
    """Bytes of a file system, as `shutil.disk_usage` gives them."""

    total: int
    used: int
    free: int


class Room:
    """Thread safe: a race asks twice. `reserve` is the share of the disk that recordings leave free, 0..1."""

    def __init__(self, folder: Path, reserve: float, usage: Callable[[Path], Usage] | None = None) -> None:
        self._folder = folder
        self._reserve = reserve
        self._usage = usage or (lambda path: Usage(*shutil.disk_usage(path)))
        self._asked_s = 0.0
        self._free = 1.0
        self._full: set[Kind] = set()

    def has(self, kind: Kind) -> bool:
        """Whether a new reel of this kind may begin."""
        if not self._asked_s or time.monotonic() - self._asked_s > _ASK_EVERY_S:
            self._asked_s = time.monotonic()
            try:
                usage = self._usage(self._folder)
                self._free = usage.free / max(1, usage.total)
            except OSError as error:
                log.warning("disk cannot be asked", extra=fields(reason=str(error)))
        wanted = self._reserve if kind == "recording" else self._reserve * _CLIPS_SHARE
        room = self._free >= wanted
        if room == (kind in self._full):
            (self._full.discard if room else self._full.add)(kind)
            level = log.info if room else log.warning
            level("footage goes on" if room else "disk is full: no footage", extra=fields(kind=kind, free=self._free))
        return room
