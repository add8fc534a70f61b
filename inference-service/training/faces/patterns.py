"""Made-up surfaces without a face: walls, tiles, fences, leaves, lettering, safety signs, heads from behind.

The network once took bricks for a face, the head on the sign that asks for a helmet for somebody without a mask, and
whoever walked away with dark hair for somebody who came.
"""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

WHITE = (245, 245, 245)
#: White, black, and the blue, yellow, red and green of signs; blue-green-red.
SIGN_COLOURS: tuple[Colour, ...] = (
    WHITE, (25, 25, 25), (160, 80, 20), (20, 190, 240), (40, 30, 190), (70, 130, 20),
)  # fmt: skip


def pattern(width: int, height: int, rng: Generator) -> Pixels:
    """Draw one, height x width x 3 uint8 blue-green-red, lit unevenly."""
    weights = np.array(list(PATTERNS.values()), np.float64)
    draw = list(PATTERNS)[int(rng.choice(len(PATTERNS), p=weights / weights.sum()))]
    pixels = np.full((height, width, 3), rng.uniform(20, 235, 3), np.uint8)
    draw(pixels, rng)
    light = cv2.resize(rng.uniform(0.5, 1.4, (3, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = rng.normal(0, rng.uniform(1, 12), pixels.shape)
    lit = np.clip(pixels * light[..., None] + grain, 0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(lit, (0, 0), rng.uniform(0.3, 1.8)))


def _bricks(pixels: Pixels, rng: Generator) -> None:
    """Rows of stones, each of another shade; every second row begins half a stone further."""
    tall, wide = int(rng.integers(5, 50)), int(rng.integers(10, 110))
    joint, tone, shift = int(rng.integers(1, 6)), rng.uniform(20, 220, 3), int(rng.integers(0, 2))
    for row, y in enumerate(range(-tall, pixels.shape[0], tall)):
        for x in range(-wide + shift * (row % 2) * wide // 2, pixels.shape[1], wide):
            shade = np.clip(tone * rng.uniform(0.7, 1.3), 0, 255)
            cv2.rectangle(pixels, (x, y), (x + wide - joint, y + tall - joint), tuple(shade.tolist()), -1)


def _blobs(pixels: Pixels, rng: Generator) -> None:
    """Discs, rings and ellipses of any colour: lamps, wheels, fruit, leaves."""
    for _ in range(int(rng.integers(4, 60))):
        place = tuple(int(v) for v in rng.integers(0, pixels.shape[1::-1]))
        axes = tuple(int(v) for v in np.exp(rng.uniform(np.log(3), np.log(60), 2)))
        width = -1 if rng.random() < 0.6 else int(rng.integers(1, 8))
        tone = rng.uniform(0, 255, 3).tolist()
        cv2.ellipse(pixels, place, axes, float(rng.uniform(0, 180)), 0, 360, tone, width, cv2.LINE_AA)


def _bars(pixels: Pixels, rng: Generator) -> None:
    """Fences, blinds, railings: lines of one or two directions at even distances."""
    side = sum(pixels.shape[:2])
    for turn in rng.uniform(0, np.pi, int(rng.integers(1, 3))):
        along, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        step, width, tone = rng.uniform(5, 60), int(rng.integers(1, 14)), rng.uniform(0, 255, 3).tolist()
        for offset in np.arange(-side, side, step):
            ends = [tuple(np.round(across * offset + along * reach).astype(int).tolist()) for reach in (-side, side)]
            cv2.line(pixels, ends[0], ends[1], tone, width, cv2.LINE_AA)


def _letters(pixels: Pixels, rng: Generator) -> None:
    """Signs and posters."""
    for _ in range(int(rng.integers(2, 14))):
        word = "".join(chr(int(c)) for c in rng.integers(33, 126, int(rng.integers(1, 9))))
        place = tuple(int(v) for v in rng.integers(0, pixels.shape[1::-1]))
        tone, size = rng.uniform(0, 255, 3).tolist(), float(np.exp(rng.uniform(-0.7, 1.6)))
        cv2.putText(pixels, word, place, int(rng.integers(0, 8)), size, tone, int(rng.integers(1, 6)), cv2.LINE_AA)


def _clouds(pixels: Pixels, rng: Generator) -> None:
    """Soft noise at several scales: foliage, rubble, cloth, water."""
    height, width = pixels.shape[:2]
    values = np.zeros((height, width, 3), np.float32)
    for cells in (4, 12, 40, 120):
        noise = rng.normal(0, rng.uniform(0, 45), (cells, cells, 3)).astype(np.float32)
        values += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    grey = values.mean(axis=2, keepdims=True)
    pixels[:] = np.clip(pixels + grey + (values - grey) * rng.uniform(0, 0.8), 0, 255)


def _signs(pixels: Pixels, rng: Generator) -> None:
    """Safety signs: a flat head of one colour with dots for eyes on a disc or a board, with or without a helmet."""
    for _ in range(int(rng.integers(1, 7))):
        reach = float(np.exp(rng.uniform(np.log(8), np.log(90))))
        x, y = rng.uniform(0, pixels.shape[1]), rng.uniform(0, pixels.shape[0])
        board, head = (SIGN_COLOURS[index] for index in rng.choice(len(SIGN_COLOURS), 2, replace=False))
        head = WHITE if board != WHITE and rng.random() < 0.5 else head
        if rng.random() < 0.7:
            _disc(pixels, (x, y), (reach * 1.6, reach * 1.6), board)
        else:
            cv2.rectangle(
                pixels, _whole(x - 1.7 * reach, y - 1.9 * reach), _whole(x + 1.7 * reach, y + 2.2 * reach), board, -1
            )
        _disc(pixels, (x, y + 1.75 * reach), (reach * rng.uniform(1.0, 1.4), reach * 0.8), head)
        _disc(pixels, (x, y), (reach * rng.uniform(0.65, 0.9), reach), head)
        _features(pixels, (x, y), reach, board, rng)


def _features(pixels: Pixels, place: tuple[float, float], reach: float, board: Colour, rng: Generator) -> None:
    x, y = place
    thick = max(1, round(reach * rng.uniform(0.05, 0.14)))
    for side in (-1, 1):
        _disc(pixels, (x + side * reach * 0.35, y - reach * 0.1), (reach * 0.1, reach * rng.uniform(0.06, 0.15)), board)
    kind = rng.random()
    if kind < 0.4:
        bend = (20.0, 160.0) if rng.random() < 0.7 else (200.0, 340.0)
        size = _whole(reach * 0.4, reach * rng.uniform(0.1, 0.35))
        cv2.ellipse(pixels, _whole(x, y + reach * 0.4), size, 0, *bend, board, thick, cv2.LINE_AA)
    elif kind < 0.7:
        _disc(
            pixels,
            (x, y + reach * 0.45),
            (reach * 0.55, reach * 0.4),
            SIGN_COLOURS[int(rng.integers(len(SIGN_COLOURS)))],
        )
    if rng.random() < 0.5:
        cap = _whole(reach, reach * rng.uniform(0.7, 1.0))
        colour = SIGN_COLOURS[int(rng.integers(len(SIGN_COLOURS)))]
        cv2.ellipse(pixels, _whole(x, y - reach * 0.3), cap, 0, 180, 360, colour, -1, cv2.LINE_AA)


def _backs(pixels: Pixels, rng: Generator) -> None:
    """People from behind: hair over a neck and shoulders."""
    for _ in range(int(rng.integers(1, 5))):
        reach = float(np.exp(rng.uniform(np.log(5), np.log(70))))
        x, y = rng.uniform(0, pixels.shape[1]), rng.uniform(0, pixels.shape[0])
        coat, skin = _tone(rng.uniform(10, 240, 3)), _tone(np.array([110, 140, 190]) * rng.uniform(0.3, 1.1))
        # Near black or grey, never brown: nothing here may teach that a dark face far away is none.
        level = rng.uniform(4, 40) if rng.random() < 0.7 else rng.uniform(110, 210)
        hair = _tone(level * np.array([1.0, 1.0, 1.0 + rng.uniform(0, 0.3)]))
        _disc(pixels, (x, y + 2.3 * reach), (reach * rng.uniform(1.6, 2.2), reach * 1.3), coat)
        _disc(pixels, (x, y + 0.8 * reach), (reach * 0.45, reach * 0.7), skin)
        if rng.random() < 0.5:
            for side in (-1, 1):
                _disc(pixels, (x + side * reach * 0.78, y + reach * 0.1), (reach * 0.15, reach * 0.25), skin)
        _disc(pixels, (x, y), (reach * rng.uniform(0.7, 0.9), reach), hair)
        for _ in range(int(rng.integers(0, 5))):
            aside, down = rng.normal(0, 0.3) * reach, rng.uniform(0.0, 1.1) * reach
            _disc(pixels, (x + aside, y + down), (reach * rng.uniform(0.3, 0.7), reach * rng.uniform(0.3, 0.8)), hair)


def _tone(values: NDArray[np.float64]) -> Colour:
    blue, green, red = (int(value) for value in np.clip(values, 0, 255))
    return blue, green, red


def _disc(pixels: Pixels, place: tuple[float, float], size: tuple[float, float], colour: Colour) -> None:
    cv2.ellipse(pixels, _whole(*place), _whole(*size), 0, 0, 360, colour, -1, cv2.LINE_AA)


def _whole(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)


#: Each surface with how often it is drawn, against the others.
PATTERNS = {_bricks: 1, _blobs: 1, _bars: 1, _letters: 1, _clouds: 1, _signs: 3, _backs: 4}
