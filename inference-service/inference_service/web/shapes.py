"""What crosses the wire: parameters in, boxes and errors out. Boxes are fractions of the upright picture."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from inference_service.packs.card import Card
from inference_service.packs.manifest import Label
from shared_kernel.errors import Invalid
from shared_kernel.messages import FoundObject

ResultKind = Literal["json", "base64", "url"]
Language = Literal["zh", "en"]
_UNKNOWN_COLOUR: Final = "#9aa0a6"

Name = Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Version = Annotated[str, Field(max_length=48, pattern=r"^\d{1,9}(\.\d{1,9}){0,3}$")]


class Query(BaseModel):
    """Query parameters: no unknown ones."""

    model_config = ConfigDict(extra="forbid")


class ModelQuery(Query):
    """Which model is asked, and which of its boxes count."""

    model: Name | None = Field(None, description="name of a model of GET /infer/models; its default when left out")
    version: Version | None = Field(None, description="of the model; the newest when left out")
    min_score: float | None = Field(
        None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="boxes below are left out; at least the model's own threshold, which is meant when left out",
    )


class PhotoQuery(ModelQuery):
    """How the pictures of one request are analysed and answered."""

    result: ResultKind = Field(
        "json", description="json: boxes; base64: also the annotated picture as a data URL; url: as a short-lived link"
    )
    labels: Language = Field("zh", description="language of the labels that are drawn")


class TicketQuery(Query):
    """What opens an annotated picture."""

    ticket: str = Field(min_length=1, max_length=2048)


def score_for(card: Card, min_score: float | None) -> float | None:
    """Give the least score that a request asks for, if this model's results go down to it.

    Raises:
        Invalid: it is below the model's own threshold; what lies below that is gone before anybody could ask for it.
    """
    if min_score is not None and min_score < card.min_score:
        message = f"expected at least {card.min_score:g}, the threshold of model {card.name}, got {min_score:g}"
        raise Invalid.field("min_score", message)
    return min_score


class BoxOut(BaseModel):
    """One thing that was found."""

    label: str = Field(description="name of a label of the model")
    zh: str = Field(description="for people, Chinese")
    en: str = Field(description="for people, English")
    score: float = Field(ge=0, le=1)
    box: tuple[float, float, float, float] = Field(description="x0 y0 x1 y1, fractions of the upright picture")
    violation: bool = Field(description="whether this breaks the rules of the site")
    colour: str = Field(description="#rrggbb")


class PictureError(BaseModel):
    """Why a picture has no answer."""

    code: str = Field(
        description="not_an_image, truncated, too_large, too_many_pixels, unsupported, not_analysable, no_model, busy, "
        "no_answer, or another"
    )
    detail: str = Field(description="for people")


class PictureOut(BaseModel):
    """The answer to one picture of the request."""

    index: int = Field(ge=0, description="place of the picture in the request")
    width: int = Field(description="pixels, upright; 0 when there is an error")
    height: int
    model: str
    version: str
    elapsed_ms: float = Field(description="from the worker's hand to the verdict")
    boxes: list[BoxOut] = Field(description="best score first; of a classifier the likeliest labels")
    annotated: str | None = Field(None, description="data URL or link, as `result` asked; null otherwise")
    error: PictureError | None = None


class PicturesOut(BaseModel):
    """All answers, in the order of the pictures."""

    items: list[PictureOut]
    elapsed_ms: float = Field(description="from the whole request to the last answer")


class TicketOut(BaseModel):
    """What opens a live session."""

    ticket: str
    expires_in: int = Field(description="seconds")
    path: str = Field(description="of the WebSocket; put ?ticket=… behind it")


def boxes_out(objects: tuple[FoundObject, ...], card: Card | None) -> list[BoxOut]:
    """Give what was found with the words and colours of the model's labels."""
    labels = {label.name: label for label in card.labels} if card else {}
    return [_box_out(one, labels.get(one.label)) for one in objects]


def _box_out(found: FoundObject, label: Label | None) -> BoxOut:
    box = found.box
    return BoxOut(
        label=found.label,
        zh=label.zh if label else found.label,
        en=label.en if label else found.label,
        score=round(found.score, 4),
        box=(round(box.x0, 5), round(box.y0, 5), round(box.x1, 5), round(box.y1, 5)),
        violation=label.violation if label else False,
        colour=label.colour if label else _UNKNOWN_COLOUR,
    )
