"""A lock that is given in the order in which it was asked for.

A plain lock goes to whoever is quickest, and that is the thread which has just let go of it: work that is cut into
short turns would still keep everybody else waiting until its end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Turns:
    """Thread safe. Not to be asked for again by who has it."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._taken = False
        #: One lock for each who waits; opened by whoever goes before.
        self._queue: deque[Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn, and let the next come afterwards."""
        self._take()
        try:
            yield
        finally:
            self._pass_on()

    def _take(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            mine = Lock()
            mine.acquire()
            self._queue.append(mine)
        mine.acquire()

    def _pass_on(self) -> None:
        with self._guard:
            if self._queue:
                self._queue.popleft().release()  # stays taken: it is handed over
            else:
                self._taken = False
