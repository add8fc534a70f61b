"""`python -m miniprogram_api web | recorder | clock | migrate`: the processes of this service.

Each imports only what it needs: one machine runs them all.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from typing import Final

from miniprogram_api.bootstrap import make_parts
from miniprogram_api.health import create_health_app
from miniprogram_api.parts import Parts
from miniprogram_api.settings import Settings
from shared_kernel import log
from shared_kernel.serving import Served, serve, serve_beside, stop_signal

_USAGE: Final = "usage: python -m miniprogram_api web | recorder | clock | migrate"


def web(settings: Settings) -> None:
    """Answer HTTP until SIGTERM."""
    from miniprogram_api.app import SPARE_THREADS, create_app

    def make() -> Served:
        parts = make_parts(settings)
        parts.feed.open()
        return create_app(parts), parts.feed.close

    threads = settings.max_event_streams + SPARE_THREADS
    serve(make, host=settings.host, port=settings.port, threads=threads)


def record(settings: Settings) -> None:
    """Record messages until SIGTERM."""
    from miniprogram_api import recorder

    _until_stopped(settings, lambda parts, stop: recorder.run(parts.bus, parts.database, parts.blobs, stop))


def clock(settings: Settings) -> None:
    """Do the chores until SIGTERM."""
    from miniprogram_api import timetable

    _until_stopped(settings, timetable.run)


def migrate(settings: Settings) -> None:
    """Bring the database up to date."""
    from miniprogram_api.adapters.migrations import upgrade

    upgrade(settings.database_url.get_secret_value())


def _until_stopped(settings: Settings, work: Callable[[Parts, threading.Event], None]) -> None:
    stop = stop_signal()
    parts = make_parts(settings)
    if settings.port:
        serve_beside(create_health_app(parts), host=settings.host, port=settings.port)
    work(parts, stop)
    parts.close()


_PROCESSES: Final[Mapping[str, Callable[[Settings], None]]] = {
    "web": web,
    "recorder": record,
    "clock": clock,
    "migrate": migrate,
}


def main(arguments: list[str]) -> None:
    """Run the process that the first argument names."""
    if len(arguments) != 1 or arguments[0] not in _PROCESSES:
        sys.exit(_USAGE)
    settings = Settings()
    log.configure(f"miniprogram-api/{arguments[0]}", settings.log_level)
    for chatty in ("apscheduler", "werkzeug", "httpx", "alembic"):  # a line for each request or chore says nothing
        log.get_logger(chatty).setLevel("WARNING")
    _PROCESSES[arguments[0]](settings)


if __name__ == "__main__":
    main(sys.argv[1:])
