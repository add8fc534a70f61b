"""What was made of a reel: the facts of an MP4, and its boxes as JSON in step with the pictures."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, Field

from shared_kernel.messages import Face, Moment
from stream_service.footage.reel import Sighted

#: An analysis belongs to the picture that arrived next to it, this far away at most: when a second stream is analysed,
#: its pictures arrive a little earlier or later than those that are shown.
_SAME: Final = timedelta(milliseconds=300)


@dataclass(frozen=True)
class Shown:
    """One picture of the film: when its packet arrived, and when the player shows it, seconds from the beginning."""

    arrived_at: datetime
    at_s: float


@dataclass(frozen=True)
class Film:
    """An MP4 file. `mime` has the codecs; `pictures` stand in the order of arrival."""

    width: int
    height: int
    mime: str
    seconds: float
    pictures: Sequence[Shown]

    @property
    def started_at(self) -> datetime:
        return self.pictures[0].arrived_at

    @property
    def ended_at(self) -> datetime:
        return max(self.pictures[-1].arrived_at, self.started_at + timedelta(seconds=self.seconds))


class BoxesAt(BaseModel):
    """The faces of the picture that is shown at `t` seconds."""

    t: float = Field(ge=0)
    faces: tuple[Face, ...]


class BoxesFile(BaseModel):
    """The side file. Pictures that were not analysed are not listed; an analysed one without faces is."""

    started_at: Moment
    width: int
    height: int
    frames: tuple[BoxesAt, ...]


def boxes_of(film: Film, sighted: Iterable[Sighted]) -> BoxesFile | None:
    """The side file of a film; None when nobody was in it."""
    arrivals = [picture.arrived_at for picture in film.pictures]
    found = []
    for one in sighted:
        right = bisect_left(arrivals, one.at)
        place = min(range(max(0, right - 1), min(len(arrivals), right + 1)), key=lambda i: abs(arrivals[i] - one.at))
        if abs(arrivals[place] - one.at) <= _SAME:
            found.append(BoxesAt(t=round(film.pictures[place].at_s, 3), faces=one.faces))
    if not any(one.faces for one in found):
        return None
    frames = tuple(sorted(found, key=lambda one: one.t))
    return BoxesFile(started_at=film.started_at, width=film.width, height=film.height, frames=frames)
