"""From a picture to the input of a foreign network, as its manifest says, and from its boxes back to the picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_service.packs.manifest import Input, Normalise
from shared_kernel.vision.ports import Picture

_INTERPOLATIONS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture inside a network's input.

    Attributes:
        inputs: 1 x 3 x H x W or 1 x H x W x 3 float32, normalised.
        size: height and width of the input, pixels.
        left: pixels of the input that lie left of the picture.
        top: pixels of the input that lie above it.
        scale_x: input pixels a picture pixel, across.
        scale_y: the same, down.
    """

    inputs: NDArray[np.float32]
    size: tuple[int, int]
    left: int
    top: int
    scale_x: float
    scale_y: float

    def back(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring boxes N x 4 from pixels of the input to pixels of the picture."""
        shift = np.array([self.left, self.top, self.left, self.top], np.float32)
        scale = np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y], np.float32)
        return np.asarray((boxes - shift) / scale, np.float32)


def place(picture: Picture, wanted: Input, normalise: Normalise) -> Placed:
    """Make the input of one picture.

    Args:
        picture: H x W x 3 uint8, blue-green-red.
        wanted: from the manifest.
        normalise: from the manifest.
    """
    height, width = picture.shape[:2]
    (new_height, new_width), (full_height, full_width) = _sizes(height, width, wanted)
    resized = picture
    if (new_height, new_width) != (height, width):
        way = wanted.interpolation
        if way == "auto":
            way = "area" if new_height * new_width < height * width else "linear"
        resized = np.asarray(cv2.resize(picture, (new_width, new_height), interpolation=_INTERPOLATIONS[way]), np.uint8)
    centred = wanted.place == "centre"
    left = (full_width - new_width) // 2 if centred else 0
    top = (full_height - new_height) // 2 if centred else 0
    if resized.shape[:2] != (full_height, full_width):
        canvas = np.full((full_height, full_width, 3), wanted.pad, np.uint8)
        canvas[top : top + new_height, left : left + new_width] = resized
        resized = canvas
    if wanted.colours == "rgb":
        resized = resized[:, :, ::-1]
    values = _normalised(resized, normalise)
    if wanted.layout == "nchw":
        values = values.transpose(2, 0, 1)
    inputs = np.ascontiguousarray(values[None])
    return Placed(inputs, (full_height, full_width), left, top, new_width / width, new_height / height)


def any_size(wanted: Input | None) -> tuple[int, int, int, int] | None:
    """Give the shape of inputs that differ from picture to picture, -1 for their sides; None when all are alike."""
    if wanted is None or wanted.long_side is None:
        return None
    return (1, 3, -1, -1) if wanted.layout == "nchw" else (1, -1, -1, 3)


def _sizes(height: int, width: int, wanted: Input) -> tuple[tuple[int, int], tuple[int, int]]:
    """Give height and width of the picture inside the input, and of the input."""
    if wanted.long_side is not None:
        scale = wanted.long_side / max(height, width)
        inner = max(1, round(height * scale)), max(1, round(width * scale))
        return inner, (_filled(inner[0], wanted.step), _filled(inner[1], wanted.step))
    full = wanted.height or 1, wanted.width or 1
    if wanted.fit == "stretch":
        return full, full
    scale = min(full[0] / height, full[1] / width)
    inner = min(full[0], max(1, round(height * scale))), min(full[1], max(1, round(width * scale)))
    return inner, full


def _filled(side: int, step: int) -> int:
    return -(-side // step) * step


def _normalised(pixels: NDArray[np.uint8], normalise: Normalise) -> NDArray[np.float32]:
    mean, std = np.asarray(normalise.mean, np.float64), np.asarray(normalise.std, np.float64)
    values = pixels.astype(np.float32)
    values *= (normalise.scale / std).astype(np.float32)
    if mean.any():
        values -= (mean / std).astype(np.float32)
    return values
