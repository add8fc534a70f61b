"""Step 1 of 4: labelled pictures in, face crops out (`crops`). The next step is `train`.

Every labelled face is looked up among the faces that the detector finds, because the network will only ever see what
the detector gives it. A face that it misses is cut out by its labelled box, with landmarks where they usually are.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.models.align import crop_face, crop_transform
from shared_kernel.vision.models.yunet import AREA_PX, FaceDetector
from shared_kernel.vision.pictures import read_file
from shared_kernel.vision.rules import MASK_STATES, MIN_FACE_SCORE, DetectedFace
from shared_kernel.vision.sessions.openvino import OpenVinoSession
from training.states.crops import MARGIN_PX, STORED_PX, WORK_PX, Crops

log = logging.getLogger(__name__)

#: A detected and a labelled box that overlap less than this are different faces.
MIN_MATCH = 0.35

#: Score at which faces are still looked for, to have more crops than production would give.
SEARCH_SCORE = 0.2

#: Pixels to which a picture is brought when it is searched; the first is as in use.
SEARCH_AREAS_PX = (AREA_PX, 630_000)

#: Where the landmarks usually lie in a labelled box, as fractions of it (median over the faces found in `mask_det`).
USUAL_PLACES = np.array([[0.31, 0.40], [0.69, 0.40], [0.50, 0.60], [0.34, 0.77], [0.66, 0.77]], dtype=np.float32)

#: Single-face pictures are framed so tightly that the detector misses them; they get this border (share of the side).
BORDER = 0.35

#: One in so many of the single-face pictures is kept back.
HELD_BACK = 6

#: Two crops whose difference hashes (64 bit) differ in no more bits show the same picture.
SAME_HASH_BITS = 5


@dataclass(frozen=True)
class Row:
    """One crop; the fields are those of `Crops`."""

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    states: int
    sources: str
    validation: bool
    face_px: float
    how: str
    names: str


def prepare(data: Path, detector_weights: Path, out: Path) -> None:
    """Read `data` (mask_det, mask_cls, lfw_dev) and write the crops to `out`."""
    session = OpenVinoSession(detector_weights, threads=2)
    detectors = [FaceDetector(session, SEARCH_SCORE, area) for area in SEARCH_AREAS_PX]
    rows: list[Row] = []
    started = time.monotonic()
    for reader in (_scene_rows, _single_rows, _bare_rows):
        rows.extend(reader(data, detectors))
        log.info("reader=%s crops=%d elapsed_s=%.0f", reader.__name__, len(rows), time.monotonic() - started)
    crops = Crops(
        **{
            name: np.stack([getattr(row, name) for row in rows])
            if name in {"pixels", "landmarks"}
            else np.array([getattr(row, name) for row in rows])
            for name in Crops.__dataclass_fields__
        }
    )
    crops = _without_repeats(crops)
    crops.save(out)
    for split in (False, True):
        part = crops.where(crops.validation == split)
        count = Counter(
            zip(part.sources.tolist(), [MASK_STATES[s] for s in part.states], part.how.tolist(), strict=True)
        )
        for key, number in sorted(count.items()):
            log.info("validation=%s source=%s state=%s how=%s crops=%d", split, *key, number)


def _scene_rows(data: Path, detectors: list[FaceDetector]) -> Iterator[Row]:
    folder = data / "mask_det"
    for line in (folder / "labels.jsonl").read_text().splitlines():
        entry = json.loads(line)
        picture = read_file(folder / entry["image"])
        found = [detector.detect(picture) for detector in detectors]
        for label in entry["boxes"]:
            yield from _label_rows(picture, entry, label, found)


def _label_rows(
    picture: NDArray[np.uint8], entry: dict[str, Any], label: dict[str, Any], found: list[list[DetectedFace]]
) -> Iterator[Row]:
    box = np.array(label["xyxy"], dtype=np.float32)
    face_px = float(np.sqrt(max(box[2] - box[0], 1) * max(box[3] - box[1], 1)))
    validation = entry["split"] == "val"
    face, how = None, "boxed"
    for faces in found:
        face = face or _matching(box, faces)
    if face is not None:
        in_production = any(f is face for f in found[0]) and face.score >= MIN_FACE_SCORE
        how = "found" if in_production else "searched"
    cuts = [(how, face.landmarks)] if face is not None else []
    # Training also sees found faces the way missed ones look.
    if face is None or not validation:
        cuts.append(("boxed", box[:2] + USUAL_PLACES * (box[2:] - box[:2])))
    for kind, landmarks in cuts:
        pixels, moved = _cut(picture, landmarks)
        state = MASK_STATES.index(label["label"])
        yield Row(pixels, moved, state, entry["source"], validation, face_px, kind, entry["image"])


def _single_rows(data: Path, detectors: list[FaceDetector]) -> Iterator[Row]:
    for name in ("with_mask", "without_mask"):
        for path in sorted((data / "mask_cls" / name).glob("*.jpg")):
            picture = _framed(read_file(path))
            face = _largest(detectors[0].detect(picture))
            if face is not None:
                yield _single_row(picture, face, MASK_STATES.index(name), "ch", path.name)


def _bare_rows(data: Path, detectors: list[FaceDetector]) -> Iterator[Row]:
    for path in sorted((data / "lfw_dev" / "images").rglob("*.jpg")):
        picture = read_file(path)
        face = _largest(detectors[0].detect(picture))
        if face is not None:
            yield _single_row(picture, face, MASK_STATES.index("without_mask"), "lfw", path.name)


def _single_row(picture: NDArray[np.uint8], face: DetectedFace, state: int, source: str, name: str) -> Row:
    pixels, moved = _cut(picture, face.landmarks)
    x0, y0, x1, y1 = face.box
    how = "found" if face.score >= MIN_FACE_SCORE else "searched"
    return Row(
        pixels,
        moved,
        state,
        source,
        validation=crc32(name.encode()) % HELD_BACK == 0,
        face_px=float(np.sqrt((x1 - x0) * (y1 - y0))),
        how=how,
        names=name,
    )


def _framed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    border = round(max(picture.shape[:2]) * BORDER)
    framed = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_REPLICATE)
    return np.asarray(framed, dtype=np.uint8)


def _largest(faces: list[DetectedFace]) -> DetectedFace | None:
    faces = [face for face in faces if face.score >= 0.4]
    return max(faces, key=lambda face: (face.box[2] - face.box[0]) * (face.box[3] - face.box[1]), default=None)


def _matching(box: NDArray[np.float32], faces: list[DetectedFace]) -> DetectedFace | None:
    best = max(faces, key=lambda face: _overlap(box, np.array(face.box)), default=None)
    return best if best is not None and _overlap(box, np.array(best.box)) >= MIN_MATCH else None


def _overlap(first: NDArray[np.float32], second: NDArray[np.float64]) -> float:
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    areas = [float(np.prod(np.clip(b[2:] - b[:2], 0, None))) for b in (first, second)]
    return shared / max(sum(areas) - shared, 1e-6)


def _cut(picture: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Cut a crop with its margin; the margin only moves the network's crop to the middle."""
    transform = crop_transform(landmarks, WORK_PX)
    transform[:, 2] += MARGIN_PX
    moved = landmarks @ transform[:, :2].T + transform[:, 2]
    return crop_face(picture, transform, STORED_PX), moved.astype(np.float32)


def _without_repeats(crops: Crops) -> Crops:
    """Leave out training crops that show the same as a validation crop, mirrored or not."""
    inner = crops.pixels[:, MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
    kept_back = np.array([_hash(p) for p in inner[crops.validation]])
    repeats = np.zeros(len(crops), dtype=bool)
    for index in np.flatnonzero(~crops.validation):
        for pixels in (inner[index], inner[index][:, ::-1]):
            repeats[index] |= bool((np.bitwise_count(kept_back ^ _hash(pixels)) <= SAME_HASH_BITS).any())
    log.info("left_out=%d sources=%s", repeats.sum(), dict(Counter(crops.sources[repeats].tolist())))
    return crops.where(~repeats)


def _hash(pixels: NDArray[np.uint8]) -> np.uint64:
    grey = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    bits = (grey[:, 1:] > grey[:, :-1]).ravel()
    return np.uint64(np.packbits(bits).view(np.uint64)[0])
