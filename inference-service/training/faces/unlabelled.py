"""Faces in labelled pictures that nobody labelled, as CenterFace sees them; `bench.mask --unlabelled` leaves them out.

Of 266 such places in `wp`, looked at one by one, about 20 are no face; the rest are small, turned away, cut off.
"""

import json
from pathlib import Path

import cv2
import numpy as np

from training.faces.teachers import CenterFace, overlaps

#: From this score on CenterFace is right in nine of ten unlabelled places.
SURE = 0.3

#: A place that overlaps a label more is the labelled face.
MAX_OVERLAP = 0.3


def write(data: Path, centerface: Path, out: Path) -> None:
    """Search every picture of `data`/mask_det and write a JSON line for each that has such places: image, boxes."""
    detector, folder, rows = CenterFace(centerface), data / "mask_det", []
    for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        picture = np.asarray(cv2.imread(str(folder / entry["image"])), dtype=np.uint8)
        labelled = np.array([b["xyxy"] for b in entry["boxes"]], np.float32).reshape(-1, 4)
        seen = np.array([f.box for f in detector.detect(picture) if f.score >= SURE], np.float32).reshape(-1, 4)
        new = seen[~(overlaps(seen, labelled) >= MAX_OVERLAP).any(axis=1)]
        if len(new):
            rows.append(json.dumps({"image": entry["image"], "boxes": np.rint(new).astype(int).tolist()}))
    out.write_text("\n".join(rows) + "\n", encoding="utf-8")
