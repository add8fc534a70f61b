"""`python -m face_search web | worker | all`: the processes of this service. Each imports only what it needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Final

from face_search.bootstrap import make_parts
from face_search.health import create_health_app
from face_search.rules import SERVICE
from face_search.settings import Settings
from shared_kernel import log
from shared_kernel.bus import run_tasks
from shared_kernel.errors import ArtifactError
from shared_kernel.serving import Served, serve, serve_beside, stop_signal

_USAGE: Final = "usage: python -m face_search web | worker | all"
#: Requests that are answered at once; each search waits for the index.
_WEB_THREADS: Final = 32


def web(settings: Settings) -> None:
    """Answer HTTP until SIGTERM."""
    from face_search.app import create_app

    def make() -> Served:
        parts = make_parts(settings)
        return create_app(parts), parts.close

    serve(make, host=settings.host, port=settings.port, threads=_WEB_THREADS)


def worker(settings: Settings) -> None:
    """Recognise, index, import, erase until SIGTERM."""
    from face_search.worker import tasks

    stop = stop_signal()
    parts = make_parts(settings)
    if settings.port:
        serve_beside(create_health_app(parts), host=settings.host, port=settings.port)
    run_tasks(tasks(parts), stop)
    parts.close()


def together(settings: Settings) -> None:
    """Both in one process, until SIGTERM."""
    from face_search.together import make

    serve(lambda: make(settings), host=settings.host, port=settings.port, threads=_WEB_THREADS)


_PROCESSES: Final[Mapping[str, Callable[[Settings], None]]] = {"web": web, "worker": worker, "all": together}


def main(arguments: list[str]) -> None:
    """Run the process that the first argument names."""
    if len(arguments) != 1 or arguments[0] not in _PROCESSES:
        sys.exit(_USAGE)
    settings = Settings()
    log.configure(f"{SERVICE}/{arguments[0]}", settings.log_level)
    for chatty in ("werkzeug", "httpx"):  # a line for each request says nothing
        log.get_logger(chatty).setLevel("WARNING")
    try:
        _PROCESSES[arguments[0]](settings)
    except ArtifactError as error:
        sys.exit(f"cannot start: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
