"""Web and worker in one process, for one machine: networks and the client of the index are in memory once.

A cluster keeps them apart. What holds there holds here: strangers' files of the web and those of the worker have a
decoding child each, a part of the work that ends takes the whole process with it, so that it is started anew, and a
stop waits for what is in hand.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from face_search.app import create_app
from face_search.bootstrap import decoder_on_demand, make_parts
from face_search.settings import Settings
from face_search.worker import tasks
from shared_kernel.bus import Task, run_tasks
from shared_kernel.errors import Unavailable
from shared_kernel.serving import Served

#: What is in hand is given this long to be finished at a stop; the server's own patience is 3 s.
_STOP_WITHIN_S: Final = 2.5


def make(settings: Settings) -> Served:
    """The web application with the worker's tasks running beside it, and what ends both."""
    parts, decoder, server = make_parts(settings), decoder_on_demand(), os.getppid()
    work = Work(tasks(replace(parts, decoder=decoder)), lambda: _end(server))

    def end() -> None:
        work.stop()
        decoder.close()
        parts.close()

    return create_app(parts, {"worker": work.check}), end


class Work:
    """Tasks that run from now on. `lost` is called when one ends by itself, after all others were stopped."""

    def __init__(self, doing: Sequence[Task], lost: Callable[[], None]) -> None:
        self._doing = doing
        self._lost = lost
        self._asked = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="work")
        self._thread.start()

    def check(self) -> None:
        """Raise Unavailable when the work has ended; see `shared_kernel.web.Check`."""
        if self._stop.is_set():
            raise Unavailable("worker", "it stops, or a part of it has ended")

    def stop(self) -> None:
        """Have the tasks finish what is in hand; may be called more than once."""
        self._asked.set()
        self._stop.set()
        self._thread.join(_STOP_WITHIN_S)

    def _run(self) -> None:
        run_tasks(self._doing, self._stop)
        if not self._asked.is_set():
            self._lost()


def _end(server: int) -> None:
    """End the server that this process serves for, and with it this process; the supervisor starts both again."""
    if os.getppid() == server:  # a server that has died already leaves its children to somebody else
        os.kill(server, signal.SIGTERM)
