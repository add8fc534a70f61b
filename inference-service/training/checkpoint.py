"""A training that can be stopped: its parts are kept after every epoch and taken up again; both trainings use it."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import Tensor

log = logging.getLogger(__name__)


def save(parts: Mapping[str, Any], checkpoint: Path, next_epoch: int) -> None:
    """Keep the state of every part (network, average, optimiser, schedule), all or nothing."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    fresh = checkpoint.with_suffix(".part")
    torch.save({"next_epoch": next_epoch, **{name: part.state_dict() for name, part in parts.items()}}, fresh)
    fresh.replace(checkpoint)


def resume(parts: Mapping[str, Any], checkpoint: Path) -> int:
    """Bring the parts to what was kept, if anything was; give the epoch that comes next."""
    if not checkpoint.exists():
        return 0
    kept = torch.load(checkpoint, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(kept[name])
    log.info("resumed=%s next_epoch=%d", checkpoint.name, kept["next_epoch"])
    return int(kept["next_epoch"])


def averaged(checkpoint: Path) -> dict[str, Tensor]:
    """Give the running average of the weights, by the names of the network itself."""
    kept = torch.load(checkpoint, weights_only=True, map_location="cpu")["average"]
    return {name.removeprefix("module."): values for name, values in kept.items() if name != "n_averaged"}


def calm_reader(_: int) -> None:
    """Keep the process that makes the examples to one thread; the network needs the others."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
