"""Who looks at a camera: the hub puts bytes in, a web thread takes them out. A slow one is closed, never waited for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from stream_service.live.endings import SLOW, Ending
from stream_service.ports import Seen

#: A viewer that has this many fragments waiting is too slow (five seconds at 25 per second).
MAX_WAITING_FRAGMENTS: Final = 125
#: Notes that wait beyond this are forgotten, the oldest first: newer boxes are what counts.
MAX_WAITING_NOTES: Final = 32


class Watcher(Protocol):
    """Any open view, as `rights` sees it. `unmasked`: it shows what privacy masks hide."""

    seen: Seen
    unmasked: bool

    def close(self, ending: Ending) -> None:
        """End it soon; the first reason stays."""
        ...


class Viewer:
    """One open stream of bytes. `converted`: not the camera's own video. `masked`: privacy masks are burnt in."""

    def __init__(self, seen: Seen, mime_type: str, header: bytes, group: Sequence[bytes]) -> None:
        self.seen = seen
        self.mime = mime_type
        self.header = header
        self.unmasked = self.masked = self.converted = False
        self._waiting: deque[bytes] = deque(group)
        self._notes: deque[str] = deque(maxlen=MAX_WAITING_NOTES)
        self._limit = len(group) + MAX_WAITING_FRAGMENTS
        self._changed = threading.Condition()
        self._ending: Ending | None = None

    def give(self, fragment: bytes) -> None:
        with self._changed:
            if len(self._waiting) >= self._limit:
                detail = "the connection is too slow for this stream"
                self._ending = self._ending or Ending(SLOW, "slow", detail)
            else:
                self._waiting.append(fragment)
            self._changed.notify()

    def tell(self, note: str) -> None:
        """Something about the picture, for viewers that can hear it."""
        with self._changed:
            self._notes.append(note)
            self._changed.notify()

    def close(self, ending: Ending) -> None:
        with self._changed:
            self._ending = self._ending or ending
            self._changed.notify()

    @property
    def ending(self) -> Ending | None:
        return self._ending

    def take(self, timeout_s: float) -> bytes | None:
        """All fragments that wait, joined; b"" when there is none yet, None when the view has ended.

        Returns at once when fragments or notes wait, and after `timeout_s` at the latest.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._notes or self._ending, timeout_s)
            if self._ending:
                return None
            taken = b"".join(self._waiting)
            self._waiting.clear()
            self._limit = MAX_WAITING_FRAGMENTS
            return taken

    def notes(self) -> list[str]:
        """The notes that wait, oldest first."""
        with self._changed:
            taken = list(self._notes)
            self._notes.clear()
            return taken


class StillViewer:
    """Somebody who is sent one still picture after another."""

    unmasked = False

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.ending: Ending | None = None
        self._closed = threading.Event()

    def close(self, ending: Ending) -> None:
        self.ending = self.ending or ending
        self._closed.set()

    def wait(self, timeout_s: float) -> bool:
        """True as soon as it was closed."""
        return self._closed.wait(timeout_s)
