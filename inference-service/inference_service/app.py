"""The web side of inference-service: which models there are, health, metrics. It never decodes a picture."""

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Thread

from apiflask import APIFlask
from pydantic import BaseModel, Field

from inference_service import weights
from inference_service.models.catalogue import MODELS, ModelCard
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.web import Check, create_app

SERVICE = "inference-service"


class LabelDocument(BaseModel):
    """One thing that a model can say of a face."""

    name: str = Field(description="as in detections and passes")
    zh: str = Field(description="for people, Chinese")
    en: str = Field(description="for people, English")
    colour: str = Field(description="of boxes and charts, #rrggbb")
    protected: bool = Field(description="whether the rules of the site are kept")


class ModelDocument(BaseModel):
    """A model that cameras and photos can be analysed with."""

    name: str = Field(description="as in a camera's field `model`")
    zh: str = Field(description="for people, Chinese")
    en: str = Field(description="for people, English")
    labels: list[LabelDocument]
    missing: str | None = Field(description="what this model lacks on this machine, in words; null when it is ready")


class ModelList(BaseModel):
    """All models."""

    items: list[ModelDocument]


def make_web(bus: Bus, weights_dir: Path) -> APIFlask:
    """Make the app of `python -m inference_service web`."""
    checks = {"redis": _redis(bus), "weights": lambda: weights.missing(weights_dir)}
    app = create_app(SERVICE, prefix="/infer", title="Xunshi inference", checks=checks)

    @app.get("/infer/models")
    @app.output(ModelList)
    @app.doc(summary="Models and their labels", tags=["models"])
    def list_models() -> ModelList:
        return ModelList(items=[_document(card, weights.missing(weights_dir)) for card in MODELS])

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


def _document(card: ModelCard, missing: str | None) -> ModelDocument:
    labels = [
        LabelDocument(name=label.name, zh=label.zh, en=label.en, colour=label.colour, protected=label.protected)
        for label in card.labels
    ]
    return ModelDocument(name=card.name, zh=card.zh, en=card.en, labels=labels, missing=missing)
