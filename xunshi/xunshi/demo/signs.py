"""The signs of the site: flat pictures that `scene` hangs on its walls. Chinese in the typeface OpenCV carries."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from xunshi.demo.drawing import Colour, Picture, unit

_BLUE: Colour = (170, 95, 20)  # of mandatory signs
_WHITE: Colour = (250, 250, 250)


def _board(width: int, height: int, colour: Colour, border: Colour) -> NDArray[np.uint8]:
    board = np.full((height, width, 3), border, np.uint8)
    board[8:-8, 8:-8] = colour
    return board


def _write(board: NDArray[np.uint8], text: str, middle_y: int, size: int, colour: Colour) -> None:
    """Text in the middle of a board, Chinese too, in the typeface that OpenCV carries."""
    face = cv2.FontFace("uni")
    (_, _, width, height) = cv2.getTextSize((0, 0), text, (0, 0), face, size)
    cv2.putText(board, text, ((board.shape[1] - width) // 2, middle_y + height // 2), colour, face, size)


def gate() -> Picture:
    board = _board(1000, 190, (120, 70, 20), (240, 240, 240))
    _write(board, "北门入口  NORTH GATE", 95, 74, _WHITE)
    return unit(board)


def notice() -> Picture:
    board = _board(700, 560, (245, 245, 245), (60, 130, 40))
    board[8:140, 8:-8] = (60, 130, 40)
    _write(board, "进场须知", 74, 78, (255, 255, 255))
    for row, text in enumerate(("1  请佩戴口罩", "2  请戴安全帽", "3  请出示证件")):
        _write(board, text, 220 + row * 120, 62, (40, 40, 40))
    return unit(board)


def _pictogram(text: str) -> NDArray[np.uint8]:
    board = _board(600, 780, (245, 245, 245), (160, 90, 20))
    cv2.circle(board, (300, 310), 255, _BLUE, -1, cv2.LINE_AA)
    cv2.ellipse(board, (300, 330), (120, 150), 0, 0, 360, _WHITE, -1, cv2.LINE_AA)
    _write(board, text, 680, 84, (40, 40, 40))
    return board


def mask() -> Picture:
    board = _pictogram("请佩戴口罩")
    mask = np.array([(192, 340), (300, 310), (408, 340), (396, 430), (300, 482), (204, 430)], np.int32)
    cv2.fillPoly(board, [mask], _BLUE, cv2.LINE_AA)
    inner = np.array([(206, 352), (300, 326), (394, 352), (383, 421), (300, 466), (217, 421)], np.int32)
    cv2.fillPoly(board, [inner], _WHITE, cv2.LINE_AA)
    for y in (372, 402, 432):
        cv2.line(board, (232, y), (368, y), _BLUE, 7, cv2.LINE_AA)
    for x in (250, 350):
        cv2.circle(board, (x, 285), 13, _BLUE, -1, cv2.LINE_AA)
    return unit(board)


def helmet() -> Picture:
    board = _pictogram("请戴安全帽")
    cv2.ellipse(board, (300, 262), (142, 128), 0, 180, 360, _BLUE, -1, cv2.LINE_AA)
    cv2.ellipse(board, (300, 258), (126, 112), 0, 180, 360, _WHITE, -1, cv2.LINE_AA)
    cv2.rectangle(board, (140, 258), (460, 284), _BLUE, -1, cv2.LINE_AA)
    for x in (250, 350):
        cv2.circle(board, (x, 330), 13, _BLUE, -1, cv2.LINE_AA)
    cv2.ellipse(board, (300, 395), (46, 26), 0, 20, 160, _BLUE, 8, cv2.LINE_AA)
    return unit(board)
