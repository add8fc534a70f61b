"""`python -m stream_service`: the camera threads and the web server, in one process."""

from __future__ import annotations

from apiflask import APIFlask

from shared_kernel.log import configure, get_logger
from shared_kernel.web import serve
from stream_service.bootstrap import StreamService
from stream_service.settings import Settings

#: Threads beyond those of live viewers: health, probes, snapshots.
SPARE_THREADS = 32


def main() -> None:
    settings = Settings()
    configure("stream-service", settings.log_level)
    get_logger("httpx").setLevel("WARNING")  # a line for every call would bury the rest
    running: list[StreamService] = []

    def make() -> APIFlask:
        service = StreamService(settings)  # in the web worker: threads do not survive a fork
        service.start()
        running.append(service)
        return service.app()

    def stop() -> None:
        for service in running:
            service.stop()

    serve(make, host=settings.host, port=settings.port, threads=settings.viewers + SPARE_THREADS, on_stop=stop)


if __name__ == "__main__":
    main()
