"""What is known of a network for face vectors: ours is SFace; others are described by a `model.toml` beside their ONNX.

docs/guide/faces.md shows one. `embedding` follows the card when it feeds the network, `thresholds` when it judges.
"""

import tomllib
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from face_search.thresholds import Curve, Thresholds, of_model
from face_search.weights import SFACE as SFACE_FILE
from shared_kernel.errors import ArtifactError

#: Name of the file that describes a model.
FILE_NAME: Final = "model.toml"

_MAX_BYTES: Final = 64 * 1024
_NAME: Final = r"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$"


class FalseMatch(BaseModel):
    """How many strangers are alike: the share of pairs of them, 0..1, whose cosine reaches a value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cosine: float = Field(gt=-1, lt=1)
    share: float = Field(gt=0, le=1)


class Card(BaseModel):
    """A network for face vectors.

    Attributes:
        name: name and version, kept with every vector.
        file: ONNX; beside the card, of SFace in the weights folder. Input N x 3 x 112 x 112, output N x `dimension`.
        dimension: numbers of a vector.
        colours: their order in the input.
        mean: taken away from every value 0..255 before it is multiplied.
        scale: by which every value is multiplied.
        licence: of the weights, for people.
        false_matches: of open faces, by rising cosine; empty: `thresholds` has measured the model.
        covered_false_matches: where mouth or nose of one of the two is hidden; those of open faces when left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=_NAME)
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.onnx$")
    dimension: int = Field(ge=16, le=2048)
    colours: Literal["rgb", "bgr"] = "rgb"
    mean: float = Field(0.0, ge=0, le=255)
    scale: float = Field(1.0, gt=0, le=1)
    licence: str = Field(min_length=1)
    false_matches: tuple[FalseMatch, ...] = ()
    covered_false_matches: tuple[FalseMatch, ...] = ()

    @field_validator("false_matches", "covered_false_matches")
    @classmethod
    def _is_a_curve(cls, matches: tuple[FalseMatch, ...]) -> tuple[FalseMatch, ...]:
        if matches:
            _curve(matches)
        return matches

    @property
    def thresholds(self) -> Thresholds:
        """How alike faces must be to this network.

        Raises:
            ValueError: nobody has measured it.
        """
        if not self.false_matches:
            return of_model(self.name)
        open_faces = _curve(self.false_matches)
        return Thresholds(open_faces, _curve(self.covered_false_matches) if self.covered_false_matches else open_faces)


class _OwnCard(Card):
    """A card that is read from a file: it has to say what nobody else knows."""

    false_matches: tuple[FalseMatch, ...] = Field(min_length=2)


def _curve(matches: tuple[FalseMatch, ...]) -> Curve:
    return Curve(tuple((one.cosine, one.share) for one in matches))


SFACE_CARD: Final = Card(name="sface-2021dec", file=SFACE_FILE, dimension=128, licence="Apache-2.0")


def find_card(name: str, models_dir: Path) -> tuple[Card, Path | None]:
    """Give a model's card and its folder; without a folder it is SFace.

    Args:
        name: of the model; empty: SFace.
        models_dir: folder with own models, one folder a model.

    Raises:
        ArtifactError: there is no such model, or its card is wrong.
    """
    if name in {"", SFACE_CARD.name}:
        return SFACE_CARD, None
    for path in sorted(models_dir.glob(f"*/{FILE_NAME}")):
        card = read_card(path)
        if card.name == name:
            return card, path.parent
    raise ArtifactError(f"embedding model {name}: expected a folder below {models_dir} whose {FILE_NAME} has this name")


def read_card(path: Path) -> Card:
    """Read a model.toml.

    Raises:
        ArtifactError: field by field, what is wrong with it.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ArtifactError(f"{path}: expected at most {_MAX_BYTES} bytes, got {path.stat().st_size}")
        return _OwnCard.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ArtifactError(f"{path}: {wrong}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ArtifactError(f"{path}: expected TOML, got: {error}") from error
