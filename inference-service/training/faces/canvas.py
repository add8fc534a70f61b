"""Training pictures: one or four scenes cut, scaled, turned in light, and with masks painted on some bare faces."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from shared_kernel.vision.rules import MASK_STATES
from training.faces.patterns import pattern
from training.faces.scenes import UNKNOWN_STATE, Scene
from training.paint import paint_glasses, paint_hand, paint_mask, paint_scarf

Pixels = NDArray[np.uint8]

#: Paints on a crop with these landmarks, 5 x 2 float32, pixels of the crop.
Brush = Callable[[Pixels, NDArray[np.float32]], Pixels]

#: Side of a training picture.
SIDE_PX = 384

#: Share of training pictures that are put together from four.
MOSAIC_SHARE = 0.5

#: Share of scenes in place of which a made-up surface stands.
PATTERN_SHARE = 0.07

#: Size to which a chosen face is brought, pixels: from, to (drawn evenly on a logarithmic scale).
FACE_RANGE_PX = (9.0, 360.0)

#: A face takes at most this share of the shorter side.
MOST_FILLED = 0.95

#: No picture is enlarged by more.
MAX_ENLARGED = 2.5

#: A face of which less than this is left after the cut says nothing.
MIN_LEFT = 0.6

#: Faces smaller than this say nothing.
MIN_FACE_PX = 5.0

#: Chance that a bare face wears a painted mask, and of which kind.
PAINTED_SHARE = 0.3
PAINTED_KINDS = (("worn", 0.35), ("nose", 0.4), ("chin", 0.25))

#: Chance that a bare face gets a hand or a scarf, and any face glasses.
HAND_SHARE, SCARF_SHARE, GLASSES_SHARE = 0.12, 0.15, 0.06

#: Faces from this size on are painted on; the painting is done at this side around the face.
PAINTABLE_PX, PAINT_SIDE_PX = 24.0, 144

#: Side of the painted region, in sizes of the face.
PAINT_REACH = 2.3

_PAINTED_STATE = {"worn": "with_mask", "nose": "mask_worn_incorrectly", "chin": "mask_worn_incorrectly"}


@dataclass
class Faces:
    """Faces of a training picture; the fields are those of `Scene`."""

    boxes: NDArray[np.float32]
    states: NDArray[np.int64]
    points: NDArray[np.float32]
    trust: NDArray[np.float32]
    box_trust: NDArray[np.float32]
    ignored: NDArray[np.float32]


def compose(scenes: list[Scene], chances: NDArray[np.float64], rng: Generator) -> tuple[Pixels, Faces]:
    """Make one training picture, SIDE_PX square uint8 blue-green-red, from scenes drawn by their chances."""
    if rng.random() >= MOSAIC_SHARE:
        pixels, faces = _cut(scenes[rng.choice(len(scenes), p=chances)], (SIDE_PX, SIDE_PX), rng)
        return _seen(pixels, rng), faces
    middle = rng.integers(SIDE_PX // 3, 2 * SIDE_PX // 3 + 1, 2)
    canvas, parts = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8), []
    for x0, x1 in ((0, middle[0]), (middle[0], SIDE_PX)):
        for y0, y1 in ((0, middle[1]), (middle[1], SIDE_PX)):
            pixels, faces = _cut(scenes[rng.choice(len(scenes), p=chances)], (int(x1 - x0), int(y1 - y0)), rng)
            canvas[y0:y1, x0:x1] = pixels
            shift = np.array([x0, y0], np.float32)
            faces.boxes += np.tile(shift, 2)
            faces.ignored += np.tile(shift, 2)
            faces.points += shift
            parts.append(faces)
    joined = Faces(*(np.concatenate([getattr(p, name) for p in parts]) for name in Faces.__dataclass_fields__))
    return _seen(canvas, rng), joined


def _cut(scene: Scene, size: tuple[int, int], rng: Generator) -> tuple[Pixels, Faces]:
    """Cut a window of this width and height out of a scene, with a chosen face brought to a chosen size."""
    if rng.random() < PATTERN_SHARE:
        return pattern(*size, rng), _nobody()
    picture = np.asarray(cv2.imread(str(scene.path)), dtype=np.uint8)
    width, height = size
    scale, corner = _window(scene, picture, size, rng)
    mirrored = rng.random() < 0.5
    matrix = np.array([[scale, 0, -corner[0]], [0, scale, -corner[1]]], np.float64)
    if scale < 0.7:
        picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        matrix = np.array([[1, 0, -corner[0]], [0, 1, -corner[1]]], np.float64)
    border = cv2.BORDER_CONSTANT if rng.random() < 0.7 else cv2.BORDER_REPLICATE
    pixels = np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border))
    faces = Faces(
        scene.boxes * scale - np.tile(corner, 2).astype(np.float32), scene.states.copy(),
        scene.points * scale - corner.astype(np.float32), scene.trust.copy(), scene.box_trust.copy(),
        scene.ignored * scale - np.tile(corner, 2).astype(np.float32),
    )  # fmt: skip
    if mirrored:
        pixels = pixels[:, ::-1]
        for boxes in (faces.boxes, faces.ignored):
            boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
        faces.points[..., 0] = width - faces.points[..., 0]
        faces.points = faces.points[:, [1, 0, 2, 4, 3]]
    faces = _within(faces, width, height)
    return _painted(np.ascontiguousarray(pixels), faces, rng), faces


def _nobody() -> Faces:
    """Give the faces of a picture without any."""
    boxes, ones = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    return Faces(boxes, np.zeros(0, np.int64), np.zeros((0, 5, 2), np.float32), ones, ones, boxes)


def _window(scene: Scene, picture: Pixels, size: tuple[int, int], rng: Generator) -> tuple[float, NDArray[np.float64]]:
    extent = np.array(picture.shape[1::-1], np.float64)
    fits = float(min(size[0] / extent[0], size[1] / extent[1]))
    labelled = np.flatnonzero(scene.trust == 1)
    if not len(labelled) or rng.random() < 0.25:
        scale = min(fits * float(np.exp(rng.uniform(-0.7, 0.5))), MAX_ENLARGED)
        slack = extent * scale - size
        return scale, slack * rng.random(2)
    box = scene.boxes[rng.choice(labelled)]
    face_px = float(np.sqrt(max((box[2] - box[0]) * (box[3] - box[1]), 1.0)))
    top = min(FACE_RANGE_PX[1], MOST_FILLED * min(size))
    wanted = float(np.exp(rng.uniform(np.log(FACE_RANGE_PX[0]), np.log(top))))
    scale = min(wanted / face_px, MAX_ENLARGED)
    place = (box[:2] + box[2:]) / 2 * scale
    room = np.maximum(np.array(size) - face_px * scale, 0) / 2
    return scale, np.asarray(place - np.array(size) / 2 + rng.uniform(-1, 1, 2) * room, np.float64)


def _within(faces: Faces, width: int, height: int) -> Faces:
    """Cut the boxes at the edges; what is mostly gone or tiny becomes a region that says nothing."""
    limits = np.array([width, height, width, height], np.float32)
    cut = np.clip(faces.boxes, 0, limits)
    left = (cut[:, 2:] - cut[:, :2]).prod(axis=1) / np.maximum(
        (faces.boxes[:, 2:] - faces.boxes[:, :2]).prod(axis=1), 1
    )
    side = np.sqrt(np.maximum((cut[:, 2:] - cut[:, :2]).prod(axis=1), 0))
    kept = (left >= MIN_LEFT) & (side >= MIN_FACE_PX)
    ignored = np.concatenate([cut[~kept], np.clip(faces.ignored, 0, limits)])
    ignored = ignored[(ignored[:, 2:] - ignored[:, :2]).min(axis=1) > 1]
    return Faces(
        cut[kept], faces.states[kept], faces.points[kept], faces.trust[kept], faces.box_trust[kept],
        ignored.astype(np.float32),
    )  # fmt: skip


def _painted(pixels: Pixels, faces: Faces, rng: Generator) -> Pixels:
    """Paint on some faces, and say so in their states."""
    for index, (box, points) in enumerate(zip(faces.boxes, faces.points, strict=True)):
        side = float(np.sqrt((box[2] - box[0]) * (box[3] - box[1])))
        if side < PAINTABLE_PX or np.isnan(points).any() or faces.states[index] == UNKNOWN_STATE:
            continue
        brush, state = _brush(int(faces.states[index]), rng)
        if brush is not None:
            pixels = _paint(pixels, box, points, brush)
            faces.states[index] = state
    return pixels


def _brush(state: int, rng: Generator) -> tuple[Brush | None, int]:
    """Draw what is painted on a face of this state, if anything, and its state then."""
    chance = rng.random()
    bare = state == MASK_STATES.index("without_mask")
    if bare and chance < PAINTED_SHARE:
        kind = str(rng.choice([k for k, _ in PAINTED_KINDS], p=[s for _, s in PAINTED_KINDS]))

        def mask(crop: Pixels, points: NDArray[np.float32]) -> Pixels:
            return paint_mask(crop, points, kind, rng)[0]

        return mask, MASK_STATES.index(_PAINTED_STATE[kind])
    if bare and chance < PAINTED_SHARE + HAND_SHARE:
        return partial(paint_hand, rng=rng), state
    if bare and chance < PAINTED_SHARE + HAND_SHARE + SCARF_SHARE:
        return partial(paint_scarf, rng=rng), state
    if chance > 1 - GLASSES_SHARE:
        return partial(paint_glasses, rng=rng), state
    return None, state


def _paint(pixels: Pixels, box: NDArray[np.float32], points: NDArray[np.float32], brush: Brush) -> Pixels:
    """Paint at one size, whatever the size of the face, and put only what changed back."""
    centre = (box[:2] + box[2:]) / 2
    reach = PAINT_REACH * float(np.sqrt((box[2] - box[0]) * (box[3] - box[1])))
    factor = PAINT_SIDE_PX / reach
    corner = centre - reach / 2
    matrix = np.array([[factor, 0, -corner[0] * factor], [0, factor, -corner[1] * factor]])
    size = (PAINT_SIDE_PX, PAINT_SIDE_PX)
    region = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    painted = brush(np.asarray(region, dtype=np.uint8), ((points - corner) * factor).astype(np.float32))
    changed = (np.abs(painted.astype(np.int16) - region).max(axis=2) > 2).astype(np.float32)
    back = cv2.invertAffineTransform(matrix)
    whole = pixels.shape[1::-1]
    share = cv2.warpAffine(changed, back, whole, flags=cv2.INTER_LINEAR)[..., None]
    laid = cv2.warpAffine(painted, back, whole, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(pixels * (1 - share) + laid * share, dtype=np.uint8)


def _seen(pixels: Pixels, rng: Generator) -> Pixels:
    """Vary light, colour, sharpness and compression."""
    values = pixels.astype(np.float32)
    if rng.random() < 0.8:
        grey = values @ np.array([0.114, 0.587, 0.299], np.float32)
        values = grey[..., None] + (values - grey[..., None]) * np.float32(rng.uniform(0.5, 1.5))
        values *= np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.06, 3)).astype(np.float32)
        middle = values.mean()
        values = (values - middle) * np.float32(rng.uniform(0.7, 1.3)) + middle + np.float32(rng.normal(0, 10))
    if rng.random() < 0.06:
        values = np.repeat((values @ np.array([0.114, 0.587, 0.299], np.float32))[..., None], 3, axis=2)
    if rng.random() < 0.2:
        values += rng.standard_normal(values.shape, dtype=np.float32) * np.float32(rng.uniform(1, 10))
    seen = np.clip(values, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.4, 1.5)))
    if rng.random() < 0.4:
        _, data = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))])
        seen = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return seen
