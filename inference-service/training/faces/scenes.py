"""Pictures with everything that is known of their faces: labels of people, and what the original detector sees.

Labelled pictures lack faces (small, turned, cut off). What the original detector finds there and nobody labelled is
kept as a faint face: it must not be unlearnt, and it need not be reported as surely as a labelled one.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_service.models.yunet import AREA_PX, FaceDetector
from inference_service.rules import MASK_STATES, DetectedFace
from inference_service.sessions.openvino import OpenVinoSession

log = logging.getLogger(__name__)

#: Pixels to which a picture is brought when the original detector searches it.
SEARCH_AREAS_PX = (AREA_PX, 630_000)

#: Score from which a face that nobody labelled is taken for one.
FAINT_SCORE = 0.5

#: A detected and a labelled box that overlap less than this are different faces.
MIN_MATCH = 0.35

#: How sure the network should be of a faint face, against a labelled one.
FAINT_TRUST = 0.5

#: How much a box counts that no person drew.
OWN_BOX_TRUST = 0.2

#: Single-face pictures are framed so tightly that the detector misses them; they get this border (share of the side).
BORDER = 0.35

UNKNOWN_STATE = -1


#: YuNet draws boxes from the hairline to the lips of a mask; people who label faces draw them from the brows to the
#: chin. Both edges go down by these shares of the height: on each of four sources of labels the overlap grows by it.
TOP_DOWN, BOTTOM_DOWN = 0.09, 0.05


@dataclass(frozen=True)
class _Original:
    """The original detector, with boxes as people draw them."""

    detector: FaceDetector

    def detect(self, picture: NDArray[np.uint8]) -> list[DetectedFace]:
        return [replace(face, box=_brows_to_chin(face.box)) for face in self.detector.detect(picture)]


def _brows_to_chin(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    return x0, y0 + TOP_DOWN * (y1 - y0), x1, y1 + BOTTOM_DOWN * (y1 - y0)


@dataclass(frozen=True)
class Scene:
    """A picture and its faces.

    Attributes:
        path: the picture's file.
        source: short name of the data set.
        validation: whether it is kept back.
        boxes: N x 4 float32, pixels.
        states: N int64, index into MASK_STATES or UNKNOWN_STATE.
        points: N x 5 x 2 float32 landmarks, pixels; NaN where unknown.
        trust: N float32, how sure the network should be that this is a face, 0..1.
        box_trust: N float32, how much the box counts, 0..1.
        ignored: K x 4 float32, regions that say nothing.
    """

    path: Path
    source: str
    validation: bool
    boxes: NDArray[np.float32]
    states: NDArray[np.int64]
    points: NDArray[np.float32]
    trust: NDArray[np.float32]
    box_trust: NDArray[np.float32]
    ignored: NDArray[np.float32]


def gather(data: Path, detector_weights: Path, out: Path) -> None:
    """Look at all pictures of `data` (mask_det, mask_cls, lfw_dev) and write what is known of them to `out`."""
    session = OpenVinoSession(detector_weights, threads=2)
    detectors = [_Original(FaceDetector(session, FAINT_SCORE, area)) for area in SEARCH_AREAS_PX]
    scenes = [*_labelled(data, detectors), *_single(data, detectors[0])]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([_as_json(scene, data) for scene in scenes]))


def read(path: Path, data: Path) -> list[Scene]:
    """Read what `gather` wrote about the pictures of `data`."""
    return [_from_json(entry, data) for entry in json.loads(path.read_text())]


def _as_json(scene: Scene, data: Path) -> dict[str, Any]:
    arrays = {name: value.tolist() for name, value in vars(scene).items() if isinstance(value, np.ndarray)}
    return {**vars(scene), **arrays, "path": str(scene.path.relative_to(data))}


def _from_json(entry: dict[str, Any], data: Path) -> Scene:
    shapes = {"boxes": (-1, 4), "points": (-1, 5, 2), "trust": (-1,), "box_trust": (-1,), "ignored": (-1, 4)}
    arrays = {name: np.array(entry[name], np.float32).reshape(shape) for name, shape in shapes.items()}
    states = np.array(entry["states"], np.int64)
    return Scene(**{**entry, **arrays, "states": states, "path": data / entry["path"]})


def _labelled(data: Path, detectors: list[_Original]) -> Iterator[Scene]:
    folder = data / "mask_det"
    for line in (folder / "labels.jsonl").read_text().splitlines():
        entry = json.loads(line)
        path = folder / entry["image"]
        picture = np.asarray(cv2.imread(str(path)), dtype=np.uint8)
        boxes = np.array([b["xyxy"] for b in entry["boxes"]], np.float32).reshape(-1, 4)
        ignored = np.array(entry.get("ignore", []), np.float32).reshape(-1, 4)
        states = [MASK_STATES.index(b["label"]) for b in entry["boxes"]]
        points = np.full((len(boxes), 5, 2), np.nan, np.float32)
        faint: list[DetectedFace] = []
        for detector in detectors:
            for face in detector.detect(picture):
                box = np.array([face.box], np.float32)
                share = overlaps(box, boxes)[0] if len(boxes) else np.zeros(0)
                if share.size and share.max() >= MIN_MATCH:
                    if np.isnan(points[share.argmax()]).any():
                        points[share.argmax()] = face.landmarks
                elif _is_new(box, faint, ignored):
                    faint.append(face)
        count = len(boxes)
        yield Scene(
            path=path, source=entry["source"], validation=entry["split"] == "val",
            boxes=np.concatenate([boxes, np.array([f.box for f in faint], np.float32).reshape(-1, 4)]),
            states=np.array(states + [UNKNOWN_STATE] * len(faint), np.int64),
            points=np.concatenate([points, np.array([f.landmarks for f in faint], np.float32).reshape(-1, 5, 2)]),
            trust=np.array([1.0] * count + [FAINT_TRUST] * len(faint), np.float32),
            box_trust=np.array([1.0] * count + [OWN_BOX_TRUST] * len(faint), np.float32),
            ignored=ignored,
        )  # fmt: skip


def _is_new(box: NDArray[np.float32], faint: list[DetectedFace], ignored: NDArray[np.float32]) -> bool:
    known = np.concatenate([np.array([f.box for f in faint], np.float32).reshape(-1, 4), ignored])
    return not len(known) or bool(overlaps(box, known).max() < MIN_MATCH)


def _single(data: Path, detector: _Original) -> Iterator[Scene]:
    files = [
        (path, "ch", state)
        for state in ("with_mask", "without_mask")
        for path in sorted((data / "mask_cls" / state).glob("*.jpg"))
    ]
    files += [(path, "lfw", "without_mask") for path in sorted((data / "lfw_dev" / "images").rglob("*.jpg"))]
    for path, source, state in files:
        picture = np.asarray(cv2.imread(str(path)), dtype=np.uint8)
        border = round(max(picture.shape[:2]) * BORDER)
        framed = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_REPLICATE)
        faces = detector.detect(np.asarray(framed, dtype=np.uint8))
        if not faces:
            continue
        faces.sort(key=lambda face: -(face.box[2] - face.box[0]) * (face.box[3] - face.box[1]))
        count = len(faces)
        yield Scene(
            path=path, source=source, validation=False,
            boxes=np.array([f.box for f in faces], np.float32) - border,
            states=np.array([MASK_STATES.index(state)] + [UNKNOWN_STATE] * (count - 1), np.int64),
            points=np.stack([f.landmarks for f in faces]) - border,
            trust=np.array([1.0] + [FAINT_TRUST] * (count - 1), np.float32),
            box_trust=np.full(count, OWN_BOX_TRUST, np.float32), ignored=np.zeros((0, 4), np.float32),
        )  # fmt: skip


def overlaps(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the intersection over union of N x 4 and M x 4 boxes, N x M."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(b[:, 2:] - b[:, :2], 0, None).prod(axis=1) for b in (first, second)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-6), dtype=np.float32)
