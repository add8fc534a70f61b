"""`GET /infer/models`: which models there are, with the words and colours in which screens show their labels."""

from typing import Literal

from apiflask import APIFlask
from pydantic import BaseModel, Field

from inference_service.packs.card import Card
from inference_service.packs.manifest import Label
from inference_service.packs.shelf import Shelf


class LabelDocument(BaseModel):
    """One thing that a model can say."""

    name: str = Field(description="as in detections and passes")
    zh: str = Field(description="for people, Chinese")
    en: str = Field(description="for people, English")
    colour: str = Field(description="of boxes and charts, #rrggbb")
    protected: bool = Field(description="whether the rules of the site are kept")
    violation: bool = Field(description="whether this breaks the rules of the site")


class ModelDocument(BaseModel):
    """A model that cameras and photos can be analysed with."""

    name: str = Field(description="as in a camera's field `model`")
    version: str = Field(description="numbers with dots; without one in a request the newest is meant")
    zh: str = Field(description="for people, Chinese")
    en: str = Field(description="for people, English")
    task: Literal["state", "detect", "classify"] = Field(
        description="state: faces and their mask state; detect: things and their boxes; classify: the whole picture"
    )
    default: bool = Field(description="whether it is meant when a request names only the task")
    licence: str = Field(description="of the network")
    min_score: float = Field(
        description="results below are left out; a request may ask for a higher score, not for a lower one, 0..1"
    )
    labels: list[LabelDocument]
    missing: str | None = Field(description="what this model lacks on this machine, in words; null when it is ready")


class BrokenPack(BaseModel):
    """A folder that gives no model."""

    name: str = Field(description="of the model, or of the folder when its model.yaml cannot be read")
    version: str = Field(description="empty when its model.yaml cannot be read")
    reason: str = Field(description="what is wrong, by field of its model.yaml")


class ModelList(BaseModel):
    """All models."""

    items: list[ModelDocument]
    broken: list[BrokenPack] = Field(description="packs that cannot be used until somebody repairs them")


def add_models(app: APIFlask, shelf: Shelf) -> None:
    """Add the route to the app of the web process."""

    @app.get("/infer/models")
    @app.output(ModelList)
    @app.doc(summary="Models and their labels", tags=["models"])
    def list_models() -> ModelList:
        shelf.refresh()
        cards = shelf.cards()
        return ModelList(
            items=[_document(card) for card in cards if card.state != "broken"],
            broken=[
                BrokenPack(name=card.name, version=card.version, reason=card.reason)
                for card in cards
                if card.state == "broken"
            ],
        )


def _document(card: Card) -> ModelDocument:
    if card.manifest is None:
        raise ValueError(f"pack {card.name}: expected a manifest, got none")
    return ModelDocument(
        name=card.name,
        version=card.version,
        zh=card.zh,
        en=card.en,
        task=card.manifest.task,
        default=card.default,
        licence=card.manifest.licence,
        min_score=card.manifest.min_score,
        labels=[_label(label) for label in card.labels],
        missing=card.reason if card.state == "missing" else None,
    )


def _label(label: Label) -> LabelDocument:
    return LabelDocument(
        name=label.name,
        zh=label.zh,
        en=label.en,
        colour=label.colour,
        protected=not label.violation,
        violation=label.violation,
    )
