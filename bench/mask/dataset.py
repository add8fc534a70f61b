"""Labelled pictures: `labels.jsonl` in, entries with pixels boxes out. The README of the data names its defects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.mask.measure import LABELS, Truth


@dataclass(frozen=True)
class Entry:
    """One picture with what is known of it."""

    image: Path
    source: str
    split: str
    truth: Truth


def read(data: Path, *, split: str | None = None, source: str | None = None) -> list[Entry]:
    """The pictures of a split or a source, or of both together; of all when neither is named.

    Args:
        data: folder with `mask_det/labels.jsonl`, or that folder itself.

    Raises:
        ValueError: a line is not as expected, or nothing is left.
    """
    folder = data / "mask_det" if (data / "mask_det").is_dir() else data
    path = folder / "labels.jsonl"
    entries = [
        _entry(folder, json.loads(line), f"{path.name} line {number}")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip()
    ]
    chosen = [one for one in entries if split in (None, one.split) and source in (None, one.source)]
    if not chosen:
        known = sorted({one.source for one in entries})
        raise ValueError(f"{path}: no picture of split {split} and source {source}; sources are {', '.join(known)}")
    return chosen


def _entry(folder: Path, line: dict[str, Any], where: str) -> Entry:
    try:
        boxes = np.array([box["xyxy"] for box in line["boxes"]], np.float64).reshape(-1, 4)
        labels = np.array([LABELS.index(box["label"]) for box in line["boxes"]], np.int64)
        ignored = np.array(line.get("ignore", []), np.float64).reshape(-1, 4)
        return Entry(folder / line["image"], line["source"], line["split"], Truth(boxes, labels, ignored))
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{where}: expected image, source, split and boxes with xyxy and label: {error!r}") from error
