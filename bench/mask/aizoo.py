"""AIZOO's face mask detector, 260 x 260 (MIT licence), as its authors decode it. The yardstick; no part of the product.

Its file is not kept here: it is taken from where somebody put it, or fetched by its sum (`yardsticks.toml`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import openvino
from numpy.typing import NDArray

from bench.mask.measure import Said
from shared_kernel.artifacts import Artifact, fetch, load, verify
from shared_kernel.errors import ArtifactError
from shared_kernel.vision.models.overlap import keep_distinct
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.sessions.openvino import NOT_PINNED
from xunshi.places import CACHE, ROOT

SIDE_PX: Final = 260
#: Cells a side of the five grids, and the two sizes of each as shares of the side.
GRIDS: Final = ((33, 0.04, 0.056), (17, 0.08, 0.11), (9, 0.16, 0.22), (5, 0.32, 0.45), (3, 0.64, 0.72))
#: Width divided by height of the third and fourth anchor of a cell.
NARROW: Final = (0.62, 0.42)
CENTRE_STEP, SIZE_STEP = 0.1, 0.2
MAX_OVERLAP, MAX_BOXES = 0.4, 500
#: As published.
DEFAULT_SCORE: Final = 0.5

YARDSTICKS: Final = Path(__file__).parents[1] / "yardsticks.toml"
#: Where the file is looked for when nobody says where it is: fetched ones, and what may lie beside the checkout.
FETCHED: Final = CACHE / "bench"
BESIDE: Final = ROOT.parent / "shared" / "anchors" / "aizoo"
VARIABLE: Final = "XUNSHI_AIZOO"


def find(given: Path | None = None) -> Path:
    """Give the network's file: what is asked for, what $XUNSHI_AIZOO names, what lies there, else fetched.

    Raises:
        ArtifactError: it is nowhere, or not the file that it should be; the text says what to do.
    """
    [artifact] = [one for one in load(YARDSTICKS) if one.name == "aizoo_260"]
    named = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is not None:
        return _checked(artifact, named)
    for folder in (FETCHED, BESIDE):
        if not verify([artifact], folder):
            return folder / artifact.file
    try:
        return fetch(artifact, FETCHED)
    except ArtifactError as error:
        raise ArtifactError(f"{error}\n  Or say where it is: --aizoo FILE, or ${VARIABLE}.") from error


def _checked(artifact: Artifact, path: Path) -> Path:
    folder = path if path.is_dir() else path.parent
    file = path / artifact.file if path.is_dir() else path
    wrong = verify([artifact.model_copy(update={"file": file.name})], folder)
    if wrong:
        raise ArtifactError(f"{file}: {wrong[0].detail}")
    return file


class Aizoo:
    """The detector: a picture in, boxes with the scores of two classes out."""

    def __init__(self, path: Path, *, precision: str = "f32", threads: int = 1) -> None:
        core = openvino.Core()
        options = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            **NOT_PINNED,
        }
        self._request: Any = core.compile_model(core.read_model(path), "CPU", options).create_infer_request()
        self._anchors = anchors()

    def read(self, picture: Picture, min_score: float = DEFAULT_SCORE) -> Said:
        """Find faces.

        Args:
            picture: H x W x 3 uint8, blue-green-red.
            min_score: boxes whose larger score is below are left out.
        """
        height, width = picture.shape[:2]
        return decode(*self.run(prepare(picture)), self._anchors, (width, height), min_score)

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The network alone: 1 x 260 x 260 x 3 in, offsets 5972 x 4 and scores 5972 x 2 out."""
        self._request.infer([inputs])
        first, second = (tensor.data[0] for tensor in self._request.output_tensors)
        return (first, second) if first.shape[1] == 4 else (second, first)


def prepare(picture: Picture) -> NDArray[np.float32]:
    """Stretch to the square: 1 x 260 x 260 x 3 float32, red-green-blue, 0..1."""
    small = cv2.cvtColor(cv2.resize(picture, (SIDE_PX, SIDE_PX)), cv2.COLOR_BGR2RGB)
    return np.asarray(small, np.float32)[None] / np.float32(255)


def anchors() -> NDArray[np.float32]:
    """5972 x 4: centre x, centre y, width, height as shares of the side; grid by grid, row by row, four a cell."""
    parts = []
    for cells, small, large in GRIDS:
        shapes = [(small, small), (large, large), *((small * share**0.5, small / share**0.5) for share in NARROW)]
        rows, columns, kinds = np.meshgrid(np.arange(cells), np.arange(cells), np.arange(4), indexing="ij")
        centres = np.stack([(columns + 0.5) / cells, (rows + 0.5) / cells], axis=-1)
        parts.append(np.concatenate([centres, np.array(shapes)[kinds]], axis=-1).reshape(-1, 4))
    return np.concatenate(parts).astype(np.float32)


def decode(
    offsets: NDArray[np.float32],
    scores: NDArray[np.float32],
    places: NDArray[np.float32],
    size: tuple[int, int],
    min_score: float,
) -> Said:
    """Turn the outputs into boxes; suppression goes over both classes together, as published.

    Args:
        offsets: N x 4.
        scores: N x 2, with a mask and without.
        places: N x 4, the anchors.
        size: width and height of the picture.
        min_score: boxes whose larger score is below are left out.
    """
    chosen = np.flatnonzero(scores.max(axis=1) >= min_score)
    offset, place, score = offsets[chosen], places[chosen], scores[chosen]
    centre = place[:, :2] + CENTRE_STEP * offset[:, :2] * place[:, 2:]
    half = place[:, 2:] * np.exp(SIZE_STEP * offset[:, 2:]) / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1) * np.array([*size, *size], np.float32)
    best = score.max(axis=1)
    kept = keep_distinct(boxes, best, MAX_OVERLAP, MAX_BOXES)
    shares = np.zeros((len(kept), 3))
    shares[:, :2] = score[kept] / np.maximum(best[kept, None], 1e-9)
    return Said(boxes[kept].astype(np.float64), best[kept].astype(np.float64), shares)
