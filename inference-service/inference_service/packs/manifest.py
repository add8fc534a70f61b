"""What `model.yaml` says: the pack's name, labels, input, the meaning of its outputs, and its files.

Read by `document`, which turns a wrong field into words. Fields without a default must be there.
"""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Task = Literal["detect", "classify", "state"]

#: The most labels of a pack; ImageNet has 1000.
MAX_LABELS: Final = 2000

#: The most files of a pack, and the most that any of them may hold.
MAX_FILES: Final = 16
MAX_FILE_BYTES: Final = 1024**3

#: Sides that a network's input may have, pixels.
MIN_SIDE_PX, MAX_SIDE_PX = 16, 4096

#: Colours for labels that name none: told apart also by people who do not see red and green alike.
PALETTE: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#b8a000", "#6a51a3")

_Words = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Side = Annotated[int, Field(ge=MIN_SIDE_PX, le=MAX_SIDE_PX)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Three = tuple[float, float, float]
_Size = Annotated[float, Field(gt=0, le=4)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Title(_Part):
    """The pack's name for people."""

    zh: _Words
    en: _Words


class Label(_Part):
    """One thing the model can say. Their order is that of the network's outputs.

    Attributes:
        name: as on the wire.
        zh: for people, Chinese; the name when left out.
        en: for people, English; the name when left out.
        colour: of its boxes, `#rrggbb`; one of `PALETTE` when left out.
        violation: whether this breaks the rules of the site.
    """

    name: _Words
    zh: _Words = ""
    en: _Words = ""
    colour: str = Field("", pattern=r"^#[0-9a-f]{6}$")
    violation: bool = False


class Input(_Part):
    """How a picture becomes the network's input.

    Attributes:
        width: pixels; with `height` the input has one size for every picture.
        height: see `width`.
        long_side: instead of these: the longer side gets this many pixels, the shorter as many as it needs.
        step: with `long_side`, both sides are filled up to a multiple of this.
        fit: `letterbox` keeps the shape of things and fills up, `stretch` does not.
        place: where the letterbox puts the picture.
        pad: what fills up, 0..255.
        colours: order of the channels.
        interpolation: how pixels are made; `area` when shrinking and `linear` when growing is `auto`.
        layout: order of the axes.
    """

    width: _Side | None = None
    height: _Side | None = None
    long_side: _Side | None = None
    step: Annotated[int, Field(ge=1, le=128)] = 32
    fit: Literal["letterbox", "stretch"] = "letterbox"
    place: Literal["centre", "corner"] = "centre"
    pad: Annotated[int, Field(ge=0, le=255)] = 114
    colours: Literal["rgb", "bgr"] = "rgb"
    interpolation: Literal["auto", "nearest", "linear", "cubic", "area"] = "linear"
    layout: Literal["nchw", "nhwc"] = "nchw"

    @model_validator(mode="after")
    def _says_one_size(self) -> Self:
        fixed = self.width is not None and self.height is not None
        if self.long_side is None and not fixed:
            raise ValueError("expected width and height, or long_side, got neither")
        if self.long_side is not None and (self.width is not None or self.height is not None):
            raise ValueError("expected width and height, or long_side, got both")
        if self.long_side is not None and self.fit == "stretch":
            raise ValueError("expected fit: letterbox with long_side, got stretch")
        return self


class Normalise(_Part):
    """What is done with pixel values 0..255: (value * scale - mean) / std, channels in the order of `colours`."""

    scale: Annotated[float, Field(gt=0, le=255)] = 1 / 255
    mean: _Three = (0.0, 0.0, 0.0)
    std: Annotated[_Three, Field(description="none of them 0")] = (1.0, 1.0, 1.0)

    @field_validator("std")
    @classmethod
    def _divides(cls, value: _Three) -> _Three:
        if min(value) <= 0:
            raise ValueError(f"expected three numbers above 0, got {list(value)}")
        return value


class PlainDecode(_Part):
    """Kinds of which nothing else need be said; see the module of each in `inference_service.decoders`."""

    kind: Literal["yolov5", "yolov8", "yolo11", "picodet", "yunet"]


class YoloxDecode(_Part):
    """`in_pixels`: the network was exported with decode_in_inference."""

    kind: Literal["yolox"]
    in_pixels: bool = False


class PriorBoxes(_Part):
    """See `inference_service.decoders.ssd.Priors`."""

    grids: Annotated[tuple[Annotated[int, Field(ge=1, le=256)], ...], Field(min_length=1, max_length=8)]
    sizes: Annotated[tuple[Annotated[tuple[_Size, ...], Field(min_length=1, max_length=8)], ...], Field(max_length=8)]
    ratios: Annotated[tuple[_Size, ...], Field(max_length=8)] = ()
    variances: tuple[_Size, _Size, _Size, _Size] = (0.1, 0.1, 0.2, 0.2)

    @model_validator(mode="after")
    def _has_sizes_for_each_grid(self) -> Self:
        if len(self.grids) != len(self.sizes):
            raise ValueError(f"expected sizes for each of {len(self.grids)} grids, got {len(self.sizes)}")
        return self


class SsdDecode(_Part):
    """Which of the three exports (see `inference_service.decoders.ssd`); `first_label` is for `detections`."""

    kind: Literal["ssd"]
    outputs: Literal["detections", "boxes", "priors"]
    first_label: Annotated[int, Field(ge=0, le=1)] = 1
    priors: PriorBoxes | None = None

    @model_validator(mode="after")
    def _has_priors_when_needed(self) -> Self:
        if (self.outputs == "priors") != (self.priors is not None):
            raise ValueError(f"expected priors exactly with outputs: priors, got outputs: {self.outputs}")
        return self


class ClassifierDecode(_Part):
    """What turns outputs into probabilities; see `inference_service.decoders.classifier`."""

    kind: Literal["classifier"]
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"


class MaskDecode(_Part):
    """Our own model of faces and their mask state, made of several networks; `shared_kernel.vision.models` runs it."""

    kind: Literal["mask"]


Decode = Annotated[PlainDecode | YoloxDecode | SsdDecode | ClassifierDecode | MaskDecode, Field(discriminator="kind")]


class Thresholds(_Part):
    """Least score of a box or label, the overlap above which boxes are one thing, the most results of a picture."""

    score: _Share | None = None
    overlap: _Share = 0.45
    max_results: Annotated[int, Field(ge=1, le=1000)] | None = None


class PackFile(_Part):
    """One file. Packs of their own name `path` and `sha256`; the project's also what it fetches or keeps elsewhere.

    Attributes:
        path: below the pack's folder, with `/`.
        sha256: of the file, 64 lower-case hexadecimal digits.
        fetched: name in weights.toml, which has the sum; only in packs that come with the project.
        kept: below `shared_kernel.vision.weights.KEPT`; only in packs that come with the project.
    """

    path: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    fetched: str | None = None
    kept: str | None = None

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        named = [name for name in ("path", "fetched", "kept") if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"expected path, got {' and '.join(named) or 'nothing'}")
        if (self.path is None) != (self.sha256 is None):
            raise ValueError("expected sha256 beside path, got only one of them")
        return self

    @field_validator("path", "kept")
    @classmethod
    def _stays_inside(cls, value: str | None) -> str | None:
        parts = [] if value is None else value.split("/")
        if any(part in ("", ".", "..") for part in parts) or re.search(r"[\\\x00-\x1f:]", value or ""):
            raise ValueError(f"expected a path inside the pack's folder, such as model.onnx, got {value!r}")
        return value


class Manifest(_Part):
    """The whole of `model.yaml`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    version: Annotated[str, Field(pattern=r"^\d{1,9}(\.\d{1,9}){0,3}$")]
    task: Task
    title: Title
    licence: _Words
    labels: Annotated[tuple[Label, ...], Field(min_length=1, max_length=MAX_LABELS)]
    input: Input | None = None
    normalise: Normalise = Normalise()
    decode: Decode
    thresholds: Thresholds = Thresholds()
    default: bool = False
    files: Annotated[tuple[PackFile, ...], Field(min_length=1, max_length=MAX_FILES)]

    @field_validator("labels")
    @classmethod
    def _labels_are_whole(cls, value: tuple[Label, ...]) -> tuple[Label, ...]:
        names = [label.name for label in value]
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        if twice:
            raise ValueError(f"expected each name once, got twice: {', '.join(twice[:5])}")
        return tuple(
            label.model_copy(
                update={
                    "zh": label.zh or label.name,
                    "en": label.en or label.name,
                    "colour": label.colour or PALETTE[index % len(PALETTE)],
                }
            )
            for index, label in enumerate(value)
        )

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        kind = self.decode.kind
        task = {"classifier": "classify", "mask": "state"}.get(kind, "detect")
        if self.task != task:
            raise ValueError(f"decode.kind: expected a kind for task {self.task}, got {kind}, which is for {task}")
        if self.input is None and kind != "mask":
            raise ValueError("input: expected width and height, or long_side, got none")
        if kind == "yunet" and len(self.labels) != 1:
            raise ValueError(f"labels: expected one with decode.kind yunet, got {len(self.labels)}")
        paths = [file.path for file in self.files if file.path is not None]
        if len(set(paths)) != len(paths):
            raise ValueError("files: expected each path once, got one twice")
        return self

    @property
    def number(self) -> tuple[int, ...]:
        """The version as numbers that can be compared; 1.2 and 1.2.0 are the same."""
        parts = [int(part) for part in self.version.split(".")]
        return tuple(parts + [0] * (4 - len(parts)))

    @property
    def min_score(self) -> float:
        """Least score of what is found, 0..1."""
        if self.thresholds.score is not None:
            return self.thresholds.score
        return 0.0 if self.task == "classify" else 0.25

    @property
    def max_results(self) -> int:
        """The most results of a picture."""
        return self.thresholds.max_results or (5 if self.task == "classify" else 300)
