"""The web side of inference-service: which models there are, health, metrics. It never decodes a picture."""

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Thread

from apiflask import APIFlask

from inference_service import weights
from inference_service.catalogue import add_models
from inference_service.packs.shelf import Shelf
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.web import Check, create_app

SERVICE = "inference-service"


def make_web(bus: Bus, weights_dir: Path, shelf: Shelf | None = None) -> APIFlask:
    """Make the app of `python -m inference_service web`; without a shelf it offers what the project brings."""
    checks = {"redis": _redis(bus), "weights": lambda: weights.missing(weights_dir)}
    app = create_app(SERVICE, prefix="/infer", title="Xunshi inference", checks=checks)

    add_models(app, shelf or Shelf(None, weights_dir))
    return app


def make_worker_web(bus: Bus, blobs: Blobs, loops: Callable[[], Iterable[Thread]]) -> APIFlask:
    """Make the app beside the worker: health and metrics only."""

    def work() -> str | None:
        ended = [thread.name for thread in loops() if not thread.is_alive()]
        return f"loop ended: {', '.join(ended)}" if ended else None

    checks: dict[str, Check] = {"redis": _redis(bus), "objects": lambda: _asked(blobs.check), "work": work}
    return create_app(SERVICE, prefix="/infer", title="Xunshi inference worker", checks=checks)


def _redis(bus: Bus) -> Check:
    return lambda: _asked(bus.ping)


def _asked(ask: Callable[[], None]) -> None:
    """Ask; the kernel turns a part that is away into words."""
    ask()
