"""Where people count and what nobody sees: polygons in fractions of the picture. Pure; used by `follow` and decoders.

A face is where its centre is: one point is either inside or not, so that two zones that touch never both miss it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared_kernel.messages import FrameAnalysed

#: (x, y) as fractions of the picture, from its upper left corner.
Point = tuple[float, float]
#: Corners; it closes by itself, and its edges do not cross.
Polygon = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Zone:
    """A named part of the picture. Outside of all `include` zones nothing counts, nor inside an `exclude` zone."""

    name: str
    kind: Literal["include", "exclude"]
    points: Polygon


def counts(zones: Sequence[Zone], x: float, y: float) -> bool:
    """Whether a face with its centre there counts."""
    included = [zone for zone in zones if zone.kind == "include"]
    if included and not any(inside(zone.points, x, y) for zone in included):
        return False
    return not any(inside(zone.points, x, y) for zone in zones if zone.kind == "exclude")


def counted(frame: FrameAnalysed, zones: Sequence[Zone]) -> FrameAnalysed:
    """The frame with only those faces whose centre is where `zones` say; elsewhere it is as if nobody were there."""
    if not zones or not frame.faces:
        return frame
    faces = tuple(
        face for face in frame.faces if counts(zones, (face.box.x0 + face.box.x1) / 2, (face.box.y0 + face.box.y1) / 2)
    )
    return frame.model_copy(update={"faces": faces})


def inside(polygon: Polygon, x: float, y: float) -> bool:
    """Whether a point lies in the polygon: a ray to the right crosses its edges an odd number of times."""
    found = False
    for (x0, y0), (x1, y1) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            found = not found
    return found
