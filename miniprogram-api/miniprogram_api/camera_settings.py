"""What can be set for one camera beside its name and address: decoding, zones, privacy masks, plan, footage.

`cameras` takes these from requests, `shapes` shows them, `internal` hands them to stream-service, and the row keeps
lists as JSON. Positions are fractions of the picture, so that they hold for every stream of the camera.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import combinations
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from shared_kernel.tables import Camera

DecodeMode = Literal["all", "adaptive", "keyframes"]
Footage = Literal["off", "clips", "continuous"]

#: More polygons or windows would be a mistake of a script.
MAX_POLYGONS: Final = 16
MAX_POINTS: Final = 32
MAX_WINDOWS: Final = 28
#: More frames per second are never analysed; with fewer nobody can be followed.
MAX_ANALYSED_FPS: Final = 30
MIN_ANALYSED_FPS: Final = 0.2
#: Smaller polygons cannot be seen in a picture; a share of it.
MIN_AREA: Final = 0.0001
#: A ten-thousandth of a picture is less than half a pixel of 4K.
_DECIMALS: Final = 4
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

_Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
#: (x, y) as fractions of the picture, from its upper left corner.
Point = Annotated[tuple[_Fraction, _Fraction], Field(strict=False)]


def _drawable(points: list[Point]) -> list[Point]:
    """A polygon that everybody fills in the same way.

    Raises:
        ValueError: it has no area, or its edges cross.
    """
    points = [(round(x, _DECIMALS), round(y, _DECIMALS)) for x, y in points]
    edges = list(zip(points, [*points[1:], points[0]], strict=True))
    if any(_cross(edge, other) for edge, other in combinations(edges, 2)):
        raise ValueError("expected edges that do not cross each other")
    if _area(points) < MIN_AREA:
        raise ValueError(f"expected an area of at least {MIN_AREA} of the picture")
    return points


def _area(points: Sequence[Point]) -> float:
    pairs = zip(points, [*points[1:], points[0]], strict=True)
    return abs(math.fsum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) / 2


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Whether two edges go through each other; touching is no crossing."""
    return _side(*one, other[0]) * _side(*one, other[1]) < 0 and _side(*other, one[0]) * _side(*other, one[1]) < 0


def _side(begin: Point, end: Point, point: Point) -> float:
    """Positive on one side of the line from `begin` to `end`, negative on the other, 0 on it."""
    return (end[0] - begin[0]) * (point[1] - begin[1]) - (end[1] - begin[1]) * (point[0] - begin[0])


#: Corners of a polygon, which closes by itself.
Polygon = Annotated[list[Point], Field(min_length=3, max_length=MAX_POINTS), AfterValidator(_drawable)]


def _named(text: str) -> str:
    text = text.strip()
    if not text or not text.isprintable():
        raise ValueError("expected at least one character that is not blank, and no control characters")
    return text


class _Part(BaseModel):
    """A part of the settings: no unknown fields, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, serialize_by_alias=True)


class Zone(_Part):
    """Where faces count, or do not. A face is where its centre is."""

    name: Annotated[str, AfterValidator(_named)] = Field(min_length=1, max_length=64, description="what people call it")
    kind: Literal["include", "exclude"] = Field(
        description="include: outside of all of these nothing counts; exclude: inside nothing counts"
    )
    points: Polygon


def _days(days: list[int]) -> list[int]:
    return sorted(set(days))


def _clock(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError("expected a time from 00:00 to 23:59")
    return text


def _clock_or_midnight(text: str) -> str:
    if text != "24:00" and not _TIME.fullmatch(text):
        raise ValueError("expected a time from 00:00 to 24:00")
    return text


class Window(_Part):
    """On these days from this time to that one; when `to` is not after `from`, it ends on the day after."""

    days: Annotated[
        list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1, max_length=7), AfterValidator(_days)
    ] = Field(description="weekdays on which it begins, 1 Monday to 7 Sunday")
    begins: Annotated[str, AfterValidator(_clock)] = Field(alias="from", description="HH:MM, installation's time zone")
    ends: Annotated[str, AfterValidator(_clock_or_midnight)] = Field(alias="to", description="HH:MM, at most 24:00")


Zones = Annotated[list[Zone], Field(max_length=MAX_POLYGONS)]
Masks = Annotated[list[Polygon], Field(max_length=MAX_POLYGONS)]
Plan = Annotated[list[Window], Field(min_length=1, max_length=MAX_WINDOWS)]

_ZONES: Final = TypeAdapter(list[Zone])
_MASKS: Final = TypeAdapter(list[list[Point]])
_PLAN: Final = TypeAdapter(list[Window])


class CameraSettings(BaseModel):
    """What is set for a camera, as it is answered."""

    decode: DecodeMode | None = Field(None, description="what is decoded; null: as stream-service is set")
    analysed_fps: float | None = Field(None, description="analysed frames per second; null: as stream-service is set")
    zones: list[Zone] = Field([], description="where faces count; empty: everywhere")
    privacy_masks: list[list[Point]] = Field([], description="what nobody sees, burnt in before a picture leaves")
    plan: list[Window] | None = Field(None, description="when the camera works; null: always")
    footage: Footage = Field("clips", description="what is kept of its video")


def settings_of(camera: Camera) -> CameraSettings:
    """What the row says."""
    return CameraSettings.model_validate(
        {
            "decode": camera.decode,
            "analysed_fps": camera.analysed_fps,
            "zones": _ZONES.validate_json(camera.zones) if camera.zones else [],
            "privacy_masks": _MASKS.validate_json(camera.privacy_masks) if camera.privacy_masks else [],
            "plan": _PLAN.validate_json(camera.plan) if camera.plan else None,
            "footage": camera.footage or "clips",
        }
    )


def kept_zones(zones: list[Zone]) -> str | None:
    """The column's text; None for none."""
    return _ZONES.dump_json(zones).decode() if zones else None


def kept_masks(masks: list[list[Point]]) -> str | None:
    """The column's text; None for none."""
    return _MASKS.dump_json(masks).decode() if masks else None


def kept_plan(plan: list[Window] | None) -> str | None:
    """The column's text; None for always."""
    return _PLAN.dump_json(plan).decode() if plan else None
