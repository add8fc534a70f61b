"""`python -m stream_service`: the camera threads and the web server, in one process."""

from __future__ import annotations

from shared_kernel.log import configure, get_logger
from shared_kernel.serving import Served, serve
from stream_service.bootstrap import StreamService
from stream_service.settings import Settings

#: Threads beyond those of live viewers: health, probes, snapshots.
SPARE_THREADS = 32


def main() -> None:
    settings = Settings()
    configure("stream-service", settings.log_level)
    get_logger("httpx").setLevel("WARNING")  # a line for every call would bury the rest

    def make() -> Served:
        service = StreamService(settings)
        service.start()
        return service.app(), service.stop

    serve(make, host=settings.host, port=settings.port, threads=settings.viewers + SPARE_THREADS)


if __name__ == "__main__":
    main()
