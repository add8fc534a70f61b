"""`python -m inference_service worker` analyses frames and photos; `… web` takes them from people and programs."""

import argparse
import os
import sys
import time

from inference_service.app import SERVICE, make_web, make_worker_web
from inference_service.settings import Settings, cpu_numbers
from shared_kernel import log
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.errors import ArtifactError, NotFound
from shared_kernel.serving import Served, serve, serve_beside, stop_signal

logger = log.get_logger(__name__)

#: How long the loops may take to finish what they hold after a stop, seconds.
STOP_WITHIN_S = 4.0

#: Threads of the web process beyond those of live sessions: pictures, health, links.
SPARE_THREADS = 32


def main() -> int:
    """Read the settings and run what was asked for until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m inference_service", description=__doc__)
    parser.add_argument("part", choices=["worker", "web"])
    part = parser.parse_args().part
    settings = Settings()
    log.configure(SERVICE, settings.log_level)
    # One line for every health check and every question about rights would bury the rest.
    for name in ("werkzeug", "httpx"):
        log.get_logger(name).setLevel("WARNING")
    return run_worker(settings) if part == "worker" else run_web(settings)


def run_web(settings: Settings) -> int:
    """Serve models, pictures and live sessions."""
    from inference_service.web.service import WebService

    def make() -> Served:
        service = WebService(settings)
        service.start()
        return make_web(service.parts), service.stop

    serve(make, host=settings.host, port=settings.port, threads=settings.live_sessions + SPARE_THREADS)
    return 0


def run_worker(settings: Settings) -> int:
    """Analyse until the stop; health and metrics are served beside it."""
    from inference_service import bootstrap
    from inference_service.work import Worker

    stop = stop_signal()
    if problem := _keep_to(settings.cpus):
        logger.error("cannot start", extra=log.fields(reason=problem))
        return 1
    try:
        parts = bootstrap.worker_parts(settings)
    except (ArtifactError, NotFound) as error:
        logger.error("cannot start", extra=log.fields(reason=error))  # noqa: TRY400 - the reason is the whole story
        return 1
    bus, blobs = Bus(settings.redis_url), Blobs.open(settings.blobs_url)
    desk = parts.desk.start()
    loops = Worker(bus, blobs, parts.analyst, stop).start()
    health = make_worker_web(bus, blobs, [*loops, desk])
    server = serve_beside(health, host=settings.host, port=settings.port)
    logger.info("worker ready", extra=log.fields(port=settings.port))
    stop.wait()
    # The loops finish what they have in hand, so the desk and the decoders stay open until they are done.
    stop_at = time.monotonic() + STOP_WITHIN_S
    for loop in loops:
        loop.join(max(0.0, stop_at - time.monotonic()))
    drained = parts.desk.close(0.0)
    parts.decoders.close()
    server.shutdown()
    logger.info("worker stopped", extra=log.fields(drained=drained))
    return 0


def _keep_to(cpus: str) -> str | None:
    """Have this process, and the decoders that it starts, run on these CPUs only; say why not when that fails."""
    if cpus:
        try:
            os.sched_setaffinity(0, cpu_numbers(cpus))
        except (AttributeError, OSError) as error:
            return f"INFERENCE_CPUS={cpus}: expected CPUs of this machine ({error})"
    return None


if __name__ == "__main__":
    sys.exit(main())
