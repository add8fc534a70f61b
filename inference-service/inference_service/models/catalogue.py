"""Which models this service offers, with the words and colours in which screens show their labels."""

from dataclasses import dataclass
from typing import Final

from shared_kernel.errors import NotFound
from shared_kernel.messages import MaskState


@dataclass(frozen=True, slots=True)
class Label:
    """One thing a model can say.

    Attributes:
        name: as on the wire.
        zh: for people, Chinese.
        en: for people, English.
        colour: of its boxes, `#rrggbb`; told apart by people who do not see red and green alike.
        protected: whether the rules of the site are kept.
    """

    name: str
    zh: str
    en: str
    colour: str
    protected: bool


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model: `files` are what it needs, by name in weights.toml or in the folder `weights`."""

    name: str
    zh: str
    en: str
    labels: tuple[Label, ...]
    files: tuple[str, ...]


MASK: Final = ModelCard(
    name="mask",
    zh="口罩佩戴",
    en="Face masks",
    labels=(
        Label(MaskState.WITH_MASK, "已佩戴口罩", "Mask worn", "#1a9e6c", protected=True),
        Label(MaskState.WITHOUT_MASK, "未佩戴口罩", "No mask", "#d93636", protected=False),
        Label(MaskState.MASK_WORN_INCORRECTLY, "口罩佩戴不规范", "Mask worn incorrectly", "#e69100", protected=False),
    ),
    files=("face_detector", "mask_state"),
)

MODELS: Final = (MASK,)


def find(name: str) -> ModelCard:
    """Give a model by name.

    Raises:
        NotFound: there is none of this name.
    """
    for card in MODELS:
        if card.name == name:
            return card
    raise NotFound(f"model {name!r}: expected one of {', '.join(card.name for card in MODELS)}", code="no_model")
