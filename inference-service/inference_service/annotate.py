"""Draws what was found into a copy of the picture: boxes, labels in Chinese or English, and a count where labels fail.

Lines and letters grow with the picture. Every label keeps inside the picture and, where there is room, off all boxes
and labels (`placement`). Where a crowd leaves no room for words, the score alone stands at the box and a line of
counts says what the colours mean.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, Protocol

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inference_service.placement import Place, Rectangle, Size, place_all, place_most
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import Found

Language = Literal["zh", "en"]
Colour = tuple[int, int, int]

FONT: Final = Path(__file__).parent / "fonts" / "label-sans.ttf"
#: Chinese letters below this height cannot be read, pixels.
MIN_FONT_PX: Final = 13
#: Letters are this share of the picture's longer side high, if there is room.
_FONT_SHARE: Final = 1 / 52
#: Smaller letters that are tried before words are left out, as shares of the wanted height.
_FONT_STEPS: Final = (1.0, 0.8, 0.62)
#: A smaller picture is enlarged before it is drawn into: on it no word could be read, pixels.
MIN_SIDE_PX: Final = 360
#: Lines are this share of the picture's longer side wide.
_LINE_SHARE: Final = 1 / 380
#: No label is longer than this many letters' heights; the rest becomes an ellipsis.
_MAX_LABEL_EMS: Final = 18
_UNKNOWN_COLOUR: Final = "#9aa0a6"
_DARK, _LIGHT = (24, 24, 24), (255, 255, 255)
#: Dark and light have the same contrast to a ground of this luminance (0..1).
_MIDDLE_LUMINANCE: Final = 0.19


class Look(Protocol):
    """How things of one label are shown; the labels of a model pack are such."""

    @property
    def name(self) -> str: ...
    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...
    @property
    def colour(self) -> str:
        """#rrggbb."""
        ...


@dataclass(frozen=True, slots=True)
class _Mark:
    """One box to draw: red-green-blue colour, wordings from long to short."""

    box: Rectangle
    colour: Colour
    word: str
    wordings: tuple[str, ...]


def annotate(
    picture: Picture, found: Sequence[Found], labels: Sequence[Look], language: Language = "zh", *, count: bool = False
) -> Picture:
    """Draw boxes and labels into a copy of the picture.

    Args:
        picture: what was looked at.
        found: best score first; the first gets the best place for its label.
        labels: words and colours; what has no label here is named as the model names it.
        language: of the words.
        count: always add the line of counts, not only where words had to be left out.

    Returns:
        The drawn picture; a small one is enlarged by a whole factor until its longer side has MIN_SIDE_PX.
    """
    canvas, scale = _canvas(picture)
    looks = {label.name: label for label in labels}
    marks = [_mark(one, looks, language, canvas, scale) for one in found]
    line = max(1, round(max(canvas.shape[:2]) * _LINE_SHARE))
    for mark in reversed(marks):  # the best score on top
        _draw_box(canvas, mark, line)
    font, places, counts = _arrange(canvas, marks, 2 * line, count=count)
    shown = [(mark, place) for mark, place in zip(marks, places, strict=True) if place is not None]
    for mark, place in shown:
        if place.far:
            _draw_leader(canvas, mark, place, line)
    for mark, place in shown:
        _draw_label(canvas, mark, place, font)
    if counts is not None:
        _draw_counts(canvas, marks, counts, font)
    return canvas


def _canvas(picture: Picture) -> tuple[Picture, int]:
    side = max(picture.shape[:2])
    scale = -(-MIN_SIDE_PX // side) if side < MIN_SIDE_PX else 1
    if scale == 1:
        return picture.copy(), 1
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8), scale


def _mark(one: Found, looks: dict[str, Look], language: Language, canvas: Picture, scale: int) -> _Mark:
    look = looks.get(one.label)
    word = (getattr(look, language) if look else "") or one.label
    height, width = canvas.shape[:2]
    x0, y0, x1, y1 = (round(edge * scale) for edge in one.box)
    left, top = min(max(0, x0), width - 1), min(max(0, y0), height - 1)
    box = (left, top, min(max(left + 1, x1), width), min(max(top + 1, y1), height))
    score = f"{round(min(1.0, max(0.0, one.score)) * 100)}%"
    line = " ".join(word.split())
    return _Mark(box, _rgb(look.colour if look else _UNKNOWN_COLOUR), line, (f"{line} {score}", score))


def _arrange(
    canvas: Picture, marks: Sequence[_Mark], gap: int, *, count: bool
) -> tuple[ImageFont.FreeTypeFont, list[Place | None], Rectangle | None]:
    """Find letters large enough to read and small enough that every label has a place."""
    height, width = canvas.shape[:2]
    boxes = [mark.box for mark in marks]
    wanted = max(MIN_FONT_PX, max(width, height) * _FONT_SHARE)
    sizes = sorted({max(MIN_FONT_PX, round(wanted * step)) for step in _FONT_STEPS}, reverse=True)
    for size in sizes:
        font = _font(size)
        taken = [_counts_place((width, height), marks, font)] if count else []
        full = [_label_size(font, mark.wordings[0], width) for mark in marks]
        places = place_all((width, height), boxes, full, gap=gap, taken=taken)
        if places is not None:
            return font, [*places], taken[0] if taken else None
    font = _font(sizes[-1])
    counts = _counts_place((width, height), marks, font)
    either = [[_label_size(font, words, width) for words in mark.wordings] for mark in marks]
    return font, place_most((width, height), boxes, either, gap=gap, taken=[counts]), counts


def _draw_box(canvas: Picture, mark: _Mark, line: int) -> None:
    """Draw around the box, not over what is in it, with an edge that shows on any ground."""
    x0, y0, x1, y1 = mark.box
    line = max(1, min(line, (y1 - y0) // 10, (x1 - x0) // 8))
    out, (height, width) = line // 2, canvas.shape[:2]
    corners = (
        (max(out, x0 - out), max(out, y0 - out)),
        (min(width - out, x1 + out) - 1, min(height - out, y1 + out) - 1),
    )
    cv2.rectangle(canvas, *corners, _contrast(mark.colour), line + 2)
    cv2.rectangle(canvas, *corners, mark.colour[::-1], line)


def _draw_leader(canvas: Picture, mark: _Mark, place: Place, line: int) -> None:
    """Lead from a label that stands away to its box; before the labels, so that none is crossed."""
    middle = (mark.box[0] + mark.box[2]) // 2
    beneath = place.box[1] > mark.box[1]
    start = (min(max(middle, place.box[0]), place.box[2] - 1), place.box[1] if beneath else place.box[3])
    end = (middle, mark.box[3] if beneath else mark.box[1])
    cv2.line(canvas, start, end, mark.colour[::-1], line, cv2.LINE_AA)


def _draw_label(canvas: Picture, mark: _Mark, place: Place, font: ImageFont.FreeTypeFont) -> None:
    x0, y0, x1, y1 = place.box
    text = _shortened(font, mark.wordings[place.wording], canvas.shape[1])
    patch = Image.new("RGB", (x1 - x0, y1 - y0), mark.colour)
    pad = _padding(font)
    ImageDraw.Draw(patch).text((pad, (y1 - y0) / 2), text, _contrast(mark.colour), font, anchor="lm")
    canvas[y0:y1, x0:x1] = np.asarray(patch)[:, :, ::-1]


def _draw_counts(canvas: Picture, marks: Sequence[_Mark], place: Rectangle, font: ImageFont.FreeTypeFont) -> None:
    x0, y0, x1, y1 = place
    patch = Image.fromarray(np.ascontiguousarray(canvas[y0:y1, x0:x1, ::-1] // 4))
    draw = ImageDraw.Draw(patch)
    pad, size = _padding(font), round(font.size)
    for number, row in enumerate(_count_rows(marks, font, canvas.shape[1])):
        left, middle = pad, pad + (number + 0.5) * _row_height(font)
        for colour, text in row:
            draw.rectangle((left, middle - size * 0.4, left + size * 0.8, middle + size * 0.4), colour, _LIGHT)
            draw.text((left + size, middle), text, _LIGHT, font, anchor="lm")
            left += _entry_width(font, text)
    canvas[y0:y1, x0:x1] = np.asarray(patch)[:, :, ::-1]


def _counts_place(picture: Size, marks: Sequence[_Mark], font: ImageFont.FreeTypeFont) -> Rectangle:
    """Give the corner in which the line of counts hides the least."""
    rows = _count_rows(marks, font, picture[0])
    pad = _padding(font)
    width = min(picture[0], max(sum(_entry_width(font, text) for _, text in row) for row in rows) + pad)
    height = min(picture[1], len(rows) * _row_height(font) + 2 * pad)
    right, bottom = picture[0] - width, picture[1] - height
    corners = [(x, y, x + width, y + height) for y in (bottom, 0) for x in (0, right, right // 2)]
    return min(corners, key=lambda corner: sum(_overlap(corner, mark.box) for mark in marks))


def _count_rows(marks: Sequence[_Mark], font: ImageFont.FreeTypeFont, width: int) -> list[list[tuple[Colour, str]]]:
    counts = Counter((mark.colour, mark.word) for mark in marks)
    rows: list[list[tuple[Colour, str]]] = [[]]
    used = 2 * _padding(font)
    for (colour, word), number in counts.most_common():
        text = _shortened(font, f"{word} {number}", width - round(font.size))
        needed = _entry_width(font, text)
        if rows[-1] and used + needed > width:
            rows.append([])
            used = 2 * _padding(font)
        rows[-1].append((colour, text))
        used += needed
    return rows[:3]


def _entry_width(font: ImageFont.FreeTypeFont, text: str) -> int:
    return round(font.getlength(text) + 1.9 * font.size)


def _row_height(font: ImageFont.FreeTypeFont) -> int:
    return round(font.size * 1.3)


def _padding(font: ImageFont.FreeTypeFont) -> int:
    return max(2, round(font.size * 0.3))


def _label_size(font: ImageFont.FreeTypeFont, text: str, width: int) -> Size:
    """Give width and height of a label with its margins, never wider than the picture."""
    length = round(font.getlength(_shortened(font, text, width))) + 2 * _padding(font)
    return min(width, length), _row_height(font)


@lru_cache(maxsize=2048)
def _shortened(font: ImageFont.FreeTypeFont, text: str, width: int) -> str:
    """Cut the words, not the number at the end, until the text fits into the picture."""
    room = min(width - 2 * _padding(font), _MAX_LABEL_EMS * font.size)
    words, _, score = text.rpartition(" ")
    if len(words) > 4 * _MAX_LABEL_EMS:  # the narrowest letters are a quarter as wide as high
        words = words[: 4 * _MAX_LABEL_EMS]
    cut = f"{words} {score}" if words else score
    while words and font.getlength(cut) > room:
        words = words[:-1]
        cut = f"{words.rstrip()}… {score}" if words else score
    return cut


@lru_cache(maxsize=32)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size_px, layout_engine=ImageFont.Layout.BASIC)


def _rgb(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _contrast(colour: Colour) -> Colour:
    """Give dark or light, whichever is easier to read on this colour."""
    # relative luminance of WCAG, with the usual power for its two-part curve
    luminance = sum(share * (part / 255) ** 2.2 for share, part in zip((0.2126, 0.7152, 0.0722), colour, strict=True))
    return _DARK if luminance > _MIDDLE_LUMINANCE else _LIGHT


def _overlap(one: Rectangle, other: Rectangle) -> int:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)
