"""The web side of inference-service: models, pictures, live sessions, health, metrics. It never decodes a picture."""

from collections.abc import Iterable
from threading import Thread

from apiflask import APIFlask

from inference_service.catalogue import add_models
from inference_service.web import live, photos
from inference_service.web.documentation import describe
from inference_service.web.intake import MAX_REQUEST_BYTES
from inference_service.web.parts import WebParts
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.web import Check, create_app

SERVICE = "inference-service"


def make_web(parts: WebParts) -> APIFlask:
    """Make the app of `python -m inference_service web`."""
    app = create_app(
        SERVICE,
        prefix="/infer",
        title="Xunshi inference",
        checks=parts.checks,
        max_body_bytes=MAX_REQUEST_BYTES,
    )
    add_models(app, parts.shelf)
    app.register_blueprint(photos.blueprint(parts))
    app.register_blueprint(live.blueprint(parts))
    live.add_socket(app, parts)
    describe(app)
    return app


def make_worker_web(bus: Bus, blobs: Blobs, loops: Iterable[Thread]) -> APIFlask:
    """Make the app beside the worker: health and metrics only."""

    def work() -> str | None:
        ended = [thread.name for thread in loops if not thread.is_alive()]
        return f"loop ended: {', '.join(ended)}" if ended else None

    checks: dict[str, Check] = {"redis": bus.ping, "objects": blobs.check, "work": work}
    return create_app(SERVICE, prefix="/infer", title="Xunshi inference worker", checks=checks)
