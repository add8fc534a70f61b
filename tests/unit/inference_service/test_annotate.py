from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import ImageFont

from inference_service.annotate import FONT, MIN_SIDE_PX, annotate
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import Found


@dataclass(frozen=True)
class Label:
    name: str
    zh: str
    en: str
    colour: str


MASK = Label("with_mask", "佩戴口罩", "mask", "#1a9850")
NONE = Label("without_mask", "未佩戴口罩", "no mask", "#d73027")
PALE = Label("pale", "浅色", "pale", "#ffee99")
LABELS = (MASK, NONE, PALE)
_GREY = 128


def _picture(width: int, height: int) -> Picture:
    return np.full((height, width, 3), _GREY, np.uint8)


def _bgr(label: Label) -> tuple[int, ...]:
    return tuple(bytes.fromhex(label.colour[1:]))[::-1]


def _coloured(drawn: Picture, label: Label) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    return np.asarray((drawn == _bgr(label)).all(axis=2))


def _label_area(drawn: Picture, label: Label, line_px: int = 8) -> tuple[int, int, int, int]:
    """Where the label's ground is: rows that carry more of its colour than the lines of a box do."""
    coloured = _coloured(drawn, label)
    wide = [y for y, row in enumerate(coloured) if row.sum() > 4 * line_px and _runs(row) > 2]
    columns = np.flatnonzero(coloured[wide].any(axis=0))
    return int(columns[0]), wide[0], int(columns[-1]) + 1, wide[-1] + 1


def _runs(row: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """Letters cut the ground of a label into pieces; the edge of a box is one piece."""
    return int((np.diff(row.astype(np.int8)) == 1).sum())


def test_the_picture_that_came_is_left_alone() -> None:
    picture = _picture(640, 480)
    drawn = annotate(picture, [Found("with_mask", 0.9, (100, 100, 200, 220))], LABELS)
    assert (picture == _GREY).all()
    assert drawn.shape == picture.shape
    assert drawn.dtype == np.uint8


def test_nothing_found_changes_nothing() -> None:
    assert (annotate(_picture(640, 480), [], LABELS) == _GREY).all()


@pytest.mark.parametrize("side", [360, 640, 2400])
def test_lines_and_letters_grow_with_the_picture(side: int) -> None:
    drawn = annotate(
        _picture(side, side), [Found("without_mask", 0.9, (side * 0.4, side * 0.4, side * 0.6, side * 0.7))], LABELS
    )
    _, top, _, bottom = _label_area(drawn, NONE, side // 100)
    assert bottom - top >= max(12, side / 60)
    middle = _coloured(drawn, NONE)[round(side * 0.6)]
    assert middle.sum() >= 2 * max(1, side // 500)


def test_a_tiny_picture_is_enlarged_until_words_can_be_read() -> None:
    drawn = annotate(_picture(64, 48), [Found("without_mask", 0.9, (20, 15, 40, 40))], LABELS)
    assert drawn.shape == (48 * 6, 64 * 6, 3)
    assert max(drawn.shape) >= MIN_SIDE_PX
    assert _label_area(drawn, NONE)[3] <= 15 * 6


@pytest.mark.parametrize(
    "box", [(270, -20, 350, 60), (-30, 200, 50, 300), (600, 200, 680, 300), (280, 420, 360, 520), (0, 0, 640, 480)]
)
def test_at_every_edge_the_label_is_whole(box: tuple[float, float, float, float]) -> None:
    """The same words take the same room wherever they stand."""
    middle = annotate(_picture(640, 480), [Found("without_mask", 0.97, (270, 200, 350, 300))], LABELS)
    expected = _label_area(middle, NONE)
    found = _label_area(annotate(_picture(640, 480), [Found("without_mask", 0.97, box)], LABELS), NONE)
    assert found[3] - found[1] == pytest.approx(expected[3] - expected[1], abs=3)


def test_no_label_hides_a_face() -> None:
    boxes = [
        (50 + 120 * column, 60 + 110 * row, 100 + 120 * column, 120 + 110 * row)
        for row in range(4)
        for column in range(5)
    ]
    found = [Found("with_mask", 0.9, (float(x0), float(y0), float(x1), float(y1))) for x0, y0, x1, y1 in boxes]
    drawn = annotate(_picture(640, 480), found, LABELS)
    for x0, y0, x1, y1 in boxes:
        assert (drawn[y0 + 4 : y1 - 4, x0 + 4 : x1 - 4] == _GREY).all()


@pytest.mark.parametrize(("label", "is_dark"), [(NONE, False), (PALE, True)])
def test_letters_stand_out_from_their_ground(label: Label, is_dark: bool) -> None:
    drawn = annotate(_picture(640, 480), [Found(label.name, 0.9, (200, 200, 300, 320))], LABELS)
    x0, y0, x1, y1 = _label_area(drawn, label)
    ground = drawn[y0:y1, x0:x1].reshape(-1, 3).astype(int)
    assert ((ground.max(axis=1) < 90).any()) is np.True_ if is_dark else ((ground.min(axis=1) > 230).any())


def test_the_two_languages_differ_and_unknown_labels_are_named_as_they_come() -> None:
    found = [Found("without_mask", 0.9, (200, 200, 300, 320))]
    chinese, english = (annotate(_picture(640, 480), found, LABELS, language) for language in ("zh", "en"))
    assert (chinese != english).any()
    assert (annotate(_picture(640, 480), [Found("a new thing", 0.5, (200, 200, 300, 320))], LABELS) != _GREY).any()


@pytest.mark.parametrize(
    "words", ["长" * 200, "word " * 60, "a" * 500, "", "line\nbreak\tand\x00zero", "表情😀", "%s{}"]
)
@pytest.mark.parametrize("size", [(640, 480), (40, 900), (900, 24), (1, 1), (3000, 2)])
def test_any_words_fit_into_any_picture(words: str, size: tuple[int, int]) -> None:
    label = Label("odd", words, words, "#3366cc")
    width, height = size
    drawn = annotate(
        _picture(width, height), [Found("odd", 0.5, (width * 0.2, height * 0.2, width * 0.8, height * 0.8))], [label]
    )
    assert drawn.shape[0] % height == drawn.shape[1] % width == 0


def test_a_crowd_gets_a_line_of_counts() -> None:
    found = [
        Found("without_mask", 0.5, (float(x), float(y), x + 18.0, y + 20.0))
        for x in range(0, 620, 22)
        for y in range(150, 460, 26)
    ]
    drawn = annotate(_picture(640, 480), found, LABELS)
    few = annotate(_picture(640, 480), found[:1], LABELS)
    assert (drawn[:60] < 60).all(axis=2).sum() > 1000  # a dark strip in the free part above
    assert not (few < 24).all(axis=2).any()


def test_the_line_of_counts_can_be_asked_for() -> None:
    found = [Found("without_mask", 0.5, (300, 100, 340, 150)), Found("with_mask", 0.5, (100, 100, 140, 150))]
    drawn = annotate(_picture(640, 480), found, LABELS, count=True)
    corner = drawn[400:, :200]
    assert {_bgr(NONE), _bgr(MASK)} <= {tuple(int(part) for part in one) for one in corner.reshape(-1, 3)}


@pytest.mark.parametrize(
    "box", [(-900, -900, -800, -800), (700, 500, 900, 900), (10, 10, 10, 10), (0.2, 0.2, 0.4, 0.4)]
)
def test_boxes_outside_or_without_area_do_no_harm(box: tuple[float, float, float, float]) -> None:
    assert annotate(_picture(640, 480), [Found("with_mask", 1.0, box)], LABELS).shape == (480, 640, 3)


def test_the_font_has_every_character_of_gb2312() -> None:
    font = ImageFont.truetype(str(FONT), 16, layout_engine=ImageFont.Layout.BASIC)
    blank = font.getmask("\U0010fffd").getbbox(), bytes(font.getmask("\U0010fffd"))
    hanzi = [bytes([row, cell]).decode("gb2312", "ignore") for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)]
    for character in "".join(hanzi) + "Aa0%…":
        mask = font.getmask(character)
        assert (mask.getbbox(), bytes(mask)) != blank, character
    assert FONT.stat().st_size < 3_000_000
    assert "Apache License" in (FONT.parent / "LICENSE").read_text()
