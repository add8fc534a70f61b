"""Pictures with everything that is known of their faces: labels of people, and what two detectors see beside them.

Kinds: labelled whole pictures (`mask_det`), single faces (`mask_cls`, `lfw_dev`), and others with few people or none,
from which the network learns what is no face.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.rules import MASK_STATES, DetectedFace
from training.faces.teachers import MIN_MATCH, Onlookers, Seen, Teachers, overlaps

#: How much a box counts that no person drew.
OWN_BOX_TRUST = 0.2

#: Single-face pictures are framed so tightly that detectors miss them; they get this border (share of the side).
BORDER = 0.35

#: Source of the pictures of `others`.
OTHERS = "others"

UNKNOWN_STATE = -1


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


def gather(data: Path, others: Path | None, teachers: Teachers, out: Path) -> None:
    """Look at all pictures and write what is known of them to `out`.

    Args:
        data: folder with mask_det, mask_cls, lfw_dev.
        others: folder with pictures of anything else, JPEG.
        teachers: the networks that look at them.
        out: JSON that `read` takes.
    """
    onlookers = Onlookers(teachers)
    scenes = [*_labelled(data, onlookers), *_single(data, onlookers), *(_others(others, onlookers) if others else ())]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([_as_json(scene, data) for scene in scenes]))


def read(path: Path, data: Path) -> list[Scene]:
    """Read what `gather` wrote about the pictures of `data`."""
    return [_from_json(entry, data) for entry in json.loads(path.read_text())]


def _as_json(scene: Scene, data: Path) -> dict[str, Any]:
    arrays = {name: value.tolist() for name, value in vars(scene).items() if isinstance(value, np.ndarray)}
    return {**vars(scene), **arrays, "path": os.path.relpath(scene.path, data)}


def _from_json(entry: dict[str, Any], data: Path) -> Scene:
    shapes = {"boxes": (-1, 4), "points": (-1, 5, 2), "trust": (-1,), "box_trust": (-1,), "ignored": (-1, 4)}
    arrays = {name: np.array(entry[name], np.float32).reshape(shape) for name, shape in shapes.items()}
    states = np.array(entry["states"], np.int64)
    return Scene(**{**entry, **arrays, "states": states, "path": data / entry["path"]})


def _labelled(data: Path, onlookers: Onlookers) -> Iterator[Scene]:
    folder = data / "mask_det"
    for line in (folder / "labels.jsonl").read_text().splitlines():
        entry = json.loads(line)
        path = folder / entry["image"]
        seen = onlookers.look(_picture(path))
        boxes = np.array([b["xyxy"] for b in entry["boxes"]], np.float32).reshape(-1, 4)
        ignored = np.array(entry.get("ignore", []), np.float32).reshape(-1, 4)
        points = np.full((len(boxes), 5, 2), np.nan, np.float32)
        new = []
        for index, face in enumerate(seen.faces):
            box = np.array([face.box], np.float32)
            share = overlaps(box, boxes)[0]
            if share.size and share.max() >= MIN_MATCH:
                points[share.argmax()] = face.landmarks
            elif not (overlaps(box, ignored) >= MIN_MATCH).any():
                new.append(index)
        count, more = len(boxes), _chosen(seen, new)
        doubtful = seen.doubtful[~(overlaps(seen.doubtful, boxes) >= MIN_MATCH).any(axis=1)]
        yield Scene(
            path=path, source=entry["source"], validation=entry["split"] == "val",
            boxes=np.concatenate([boxes, more.boxes]),
            states=np.concatenate([[MASK_STATES.index(b["label"]) for b in entry["boxes"]], more.states]).astype(int),
            points=np.concatenate([points, more.points]),
            trust=np.concatenate([np.ones(count, np.float32), more.trust]),
            box_trust=np.concatenate([np.ones(count, np.float32), more.box_trust]),
            ignored=np.concatenate([ignored, doubtful]),
        )  # fmt: skip


def _single(data: Path, onlookers: Onlookers) -> Iterator[Scene]:
    files = [
        (path, "ch", state)
        for state in ("with_mask", "without_mask")
        for path in sorted((data / "mask_cls" / state).glob("*.jpg"))
    ]
    files += [(path, "lfw", "without_mask") for path in sorted((data / "lfw_dev" / "images").rglob("*.jpg"))]
    for path, source, state in files:
        picture = _picture(path)
        border = round(max(picture.shape[:2]) * BORDER)
        framed = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_REPLICATE)
        seen = onlookers.look(np.asarray(framed, dtype=np.uint8))
        if not seen.faces:
            continue
        largest = max(range(len(seen.faces)), key=lambda index: _area_px(seen.faces[index]))
        found = _chosen(seen, range(len(seen.faces)))
        found.states[largest] = MASK_STATES.index(state)
        yield Scene(
            path=path, source=source, validation=False, boxes=found.boxes - border, states=found.states,
            points=found.points - border, trust=found.trust, box_trust=found.box_trust,
            ignored=seen.doubtful - border,
        )  # fmt: skip


def _others(folder: Path, onlookers: Onlookers) -> Iterator[Scene]:
    for path in sorted(folder.rglob("*.jpg")):
        seen = onlookers.look(_picture(path))
        found = _chosen(seen, range(len(seen.faces)))
        yield Scene(
            path=path, source=OTHERS, validation=False, boxes=found.boxes, states=found.states, points=found.points,
            trust=found.trust, box_trust=found.box_trust, ignored=seen.doubtful,
        )  # fmt: skip


@dataclass(frozen=True)
class _Found:
    """Faces that nobody labelled, in the fields of `Scene`."""

    boxes: NDArray[np.float32]
    states: NDArray[np.int64]
    points: NDArray[np.float32]
    trust: NDArray[np.float32]
    box_trust: NDArray[np.float32]


def _chosen(seen: Seen, indices: Iterable[int]) -> _Found:
    chosen = list(indices)
    faces = [seen.faces[index] for index in chosen]
    return _Found(
        np.array([f.box for f in faces], np.float32).reshape(-1, 4),
        np.full(len(chosen), UNKNOWN_STATE, np.int64),
        np.array([f.landmarks for f in faces], np.float32).reshape(-1, 5, 2),
        np.array([seen.trust[index] for index in chosen], np.float32),
        np.full(len(chosen), OWN_BOX_TRUST, np.float32),
    )


def _picture(path: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path)), dtype=np.uint8)


def _area_px(face: DetectedFace) -> float:
    x0, y0, x1, y1 = face.box
    return (x1 - x0) * (y1 - y0)
