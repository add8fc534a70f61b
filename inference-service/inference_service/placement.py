"""Where the labels of an annotated picture go: beside their boxes, inside the picture, on no face and no other label.

Pure geometry on rectangles x0, y0, x1, y1 in pixels; `annotate` draws. Labels are placed in the order given, so the
first gets the best place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Rectangle = tuple[int, int, int, int]
Size = tuple[int, int]

#: A label that cannot stand clear of all boxes is still shown where it hides at most this share of each of them.
_MAX_HIDDEN: Final = 0.25
#: How many labels high a label may stand away from its box; a line then leads to it.
_FAR_STEPS: Final = (1, 2)
#: Labels that may be stacked inside one box, for verdicts on a whole picture.
_STACK: Final = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where one label stands. `wording` is the index of the chosen text, `far` that a line must lead to the box."""

    box: Rectangle
    wording: int
    far: bool = False


def place_all(
    picture: Size, boxes: Sequence[Rectangle], sizes: Sequence[Size], *, gap: int, taken: Sequence[Rectangle]
) -> list[Place] | None:
    """Find a place right beside its box for every label; None where one has none.

    Args:
        picture: width and height.
        boxes: what the labels belong to; nothing of it should be hidden.
        sizes: width and height of the label of each box.
        gap: between a box and its label.
        taken: where no label may stand.
    """
    search = _Search(picture, gap, _Covered(boxes), _Covered(taken))
    places = []
    for box, size in zip(boxes, sizes, strict=True):
        place = search.near(box, (size,))
        if place is None:
            return None
        places.append(place)
    return places


def place_most(
    picture: Size, boxes: Sequence[Rectangle], sizes: Sequence[Sequence[Size]], *, gap: int, taken: Sequence[Rectangle]
) -> list[Place | None]:
    """Find places where there are not enough: beside the box in any wording, else further away; None where neither.

    Args:
        picture: as in `place_all`.
        boxes: as in `place_all`.
        sizes: for each box the sizes of its label in each wording, the most welcome first.
        gap: as in `place_all`.
        taken: as in `place_all`.
    """
    search = _Search(picture, gap, _Covered(boxes), _Covered(taken))
    return [search.near(box, wordings) or search.far(box, wordings) for box, wordings in zip(boxes, sizes, strict=True)]


@dataclass(frozen=True)
class _Search:
    """Looks for places one after another, and remembers those it gave."""

    picture: Size
    gap: int
    hidden: "_Covered"
    placed: "_Covered"

    def near(self, box: Rectangle, wordings: Sequence[Size]) -> Place | None:
        """Clear of everything and beside the box; or hiding little."""
        least, second_best = 2.0, None
        for index, size in enumerate(wordings):
            for place in self._fitting(_beside(box, size, self.gap, self.picture[0]), size):
                share = self.hidden.share(place)
                if share == 0:
                    return self._given(Place(place, index))
                if share < least:
                    least, second_best = share, Place(place, index)
            inside = next(self._fitting(_inside(box, size, self.gap), size), None)
            if inside and _is_large(box, inside) and least > _MAX_HIDDEN:
                return self._given(Place(inside, index))
        return self._given(second_best) if second_best and least <= _MAX_HIDDEN else None

    def far(self, box: Rectangle, wordings: Sequence[Size]) -> Place | None:
        """Clear of everything, with a line that leads to the box."""
        for index, size in enumerate(wordings):
            for place in self._fitting(_away(box, size, self.gap, self.picture[0]), size):
                if self.hidden.share(place) == 0:
                    return self._given(Place(place, index, far=True))
        return None

    def _fitting(self, corners: Iterator[tuple[int, int]], size: Size) -> Iterator[Rectangle]:
        """Those inside the picture and off the other labels."""
        width, height = size
        for left, top in corners:
            place = (left, top, left + width, top + height)
            inside = left >= 0 and top >= 0 and place[2] <= self.picture[0] and place[3] <= self.picture[1]
            if inside and self.placed.share(place) == 0:
                yield place

    def _given(self, place: Place) -> Place:
        x0, y0, x1, y1 = place.box
        self.placed.add((x0 - 1, y0 - 1, x1 + 1, y1 + 1))  # so that two of one colour do not look like one
        return place


def _beside(box: Rectangle, size: Size, gap: int, picture_width: int) -> Iterator[tuple[int, int]]:
    """Give upper left corners from the most to the least welcome; above and below, long labels are moved sideways."""
    x0, y0, x1, y1 = box
    width, height = size
    for top in (y0 - gap - height, y1 + gap):
        for left in (x0, x1 - width, (x0 + x1 - width) // 2):
            yield max(0, min(left, picture_width - width)), top
    for left in (x1 + gap, x0 - gap - width):
        for top in (y0, y1 - height):
            yield left, top


def _away(box: Rectangle, size: Size, gap: int, picture_width: int) -> Iterator[tuple[int, int]]:
    x0, y0, x1, y1 = box
    width, height = size
    for step in _FAR_STEPS:
        away = step * (height + gap)
        for top in (y0 - gap - height - away, y1 + gap + away):
            for left in (x0, x1 - width, (x0 + x1 - width) // 2):
                yield max(0, min(left, picture_width - width)), top


def _inside(box: Rectangle, size: Size, gap: int) -> Iterator[tuple[int, int]]:
    for row in range(_STACK):
        yield box[0] + gap, box[1] + gap + row * (size[1] + gap)
    yield box[0] + gap, box[3] - gap - size[1]


def _is_large(box: Rectangle, label: Rectangle) -> bool:
    """Tell whether a label inside a box hides so little that it may stand there."""
    height, label_height = box[3] - box[1], label[3] - label[1]
    return height >= 4 * label_height and box[2] - box[0] >= label[2] - label[0]


class _Covered:
    """Rectangles that may be asked how much of another one they cover."""

    def __init__(self, rectangles: Sequence[Rectangle]) -> None:
        self._rectangles: NDArray[np.int64] = np.array(rectangles, np.int64).reshape(-1, 4)

    def add(self, rectangle: Rectangle) -> None:
        self._rectangles = np.vstack([self._rectangles, np.array(rectangle, np.int64)])

    def share(self, rectangle: Rectangle) -> float:
        """Give the largest share (0..1) of `rectangle` and one of them that lies on the other."""
        if not len(self._rectangles):
            return 0.0
        x0, y0, x1, y1 = rectangle
        widths = np.minimum(self._rectangles[:, 2], x1) - np.maximum(self._rectangles[:, 0], x0)
        heights = np.minimum(self._rectangles[:, 3], y1) - np.maximum(self._rectangles[:, 1], y0)
        areas = np.maximum(widths, 0) * np.maximum(heights, 0)
        of_theirs = float((areas / self._areas()).max())
        return max(of_theirs, float(areas.max()) / max(1, (x1 - x0) * (y1 - y0)))

    def _areas(self) -> NDArray[np.int64]:
        sides = self._rectangles[:, 2:] - self._rectangles[:, :2]
        return np.maximum(1, sides[:, 0] * sides[:, 1])
