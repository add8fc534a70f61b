"""Labelled pictures: `labels.jsonl` in, entries with pixels boxes out. The README of the data names its defects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.mask.measure import LABELS, Truth


@dataclass(frozen=True)
class Entry:
    """One picture with what is known of it."""

    image: Path
    source: str
    split: str
    truth: Truth


#: Places in the pictures where nobody labelled a face and there probably is one; see `training.faces.unlabelled`.
UNLABELLED: Final = Path(__file__).with_name("unlabelled.jsonl")


def read(
    data: Path, *, split: str | None = None, source: str | None = None, unlabelled: Path | None = None
) -> list[Entry]:
    """The pictures of a split or a source, or of both together; of all when neither is named.

    Args:
        data: folder with `mask_det/labels.jsonl`, or that folder itself.
        split: None takes both.
        source: None takes all.
        unlabelled: further places that count neither way, a JSON line a picture with image and boxes.

    Raises:
        ValueError: a line is not as expected, or nothing is left.
    """
    folder = data / "mask_det" if (data / "mask_det").is_dir() else data
    path = folder / "labels.jsonl"
    more = _places(unlabelled) if unlabelled else {}
    entries = [
        _entry(folder, json.loads(line), f"{path.name} line {number}", more)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip()
    ]
    chosen = [one for one in entries if split in (None, one.split) and source in (None, one.source)]
    if not chosen:
        known = sorted({one.source for one in entries})
        raise ValueError(f"{path}: no picture of split {split} and source {source}; sources are {', '.join(known)}")
    return chosen


def _places(path: Path) -> dict[str, list[list[float]]]:
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return {line["image"]: line["boxes"] for line in lines}


def _entry(folder: Path, line: dict[str, Any], where: str, more: dict[str, list[list[float]]]) -> Entry:
    try:
        boxes = np.array([box["xyxy"] for box in line["boxes"]], np.float64).reshape(-1, 4)
        labels = np.array([LABELS.index(box["label"]) for box in line["boxes"]], np.int64)
        ignored = np.array([*line.get("ignore", []), *more.get(line["image"], [])], np.float64).reshape(-1, 4)
        return Entry(folder / line["image"], line["source"], line["split"], Truth(boxes, labels, ignored))
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{where}: expected image, source, split and boxes with xyxy and label: {error!r}") from error
