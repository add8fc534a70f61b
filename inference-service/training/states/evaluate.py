"""Step 3 of 4: what the network gets right on pictures it has not seen. `train` before, `export` after.

Two numbers are given throughout: right in three states, and right in two (a mask worn wrongly counts as none), which
is what an alarm depends on. Faces are counted by the size of their labelled box in the picture.
"""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.rules import MASK_STATES
from shared_kernel.vision.sessions.mask_state_network import MaskStateNetwork
from training.states.card import write_figures
from training.states.crops import Crops
from training.states.network import folded
from training.states.train import COUNTED_FACE_PX, Plan, probabilities

log = logging.getLogger(__name__)

#: Classes of size, pixels: from, below.
SIZES_PX = ((0, 20), (20, 24), (24, 40), (40, 80), (80, 100_000))


def evaluate(crops: Crops, trained: MaskStateNetwork, plan: Plan, folder: Path) -> None:
    """Measure a network and write the figures as JSON; with a source left out, on all crops of that source."""
    if plan.without_source:
        chosen = crops.where((crops.sources == plan.without_source) & ((crops.how != "boxed") | crops.validation))
    else:
        chosen = crops.where(crops.validation)
    network = folded(trained)
    shares = probabilities(network, chosen)
    figures = {name: _figures(chosen.states[mask], shares[mask]) for name, mask in _groups(chosen) if mask.any()}
    for name, row in figures.items():
        log.info("%-34s n=%-4d two=%.4f three=%.4f", name, row["faces"], row["right_of_two"], row["right_of_three"])
    for row in figures["24 px and more"]["confusion"]:
        log.info("confusion %s", row)
    path = folder / "figures.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n")
    if not plan.without_source and (card := path.with_name("README.md")).is_file():
        write_figures(card, figures)


def _groups(crops: Crops) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    counted = crops.face_px >= COUNTED_FACE_PX
    found = crops.how == "found"
    yield "all", np.ones(len(crops), dtype=bool)
    yield "24 px and more", counted
    yield "24 px and more, found as in use", counted & found
    for low, high in SIZES_PX:
        yield f"{low} to {high} px", (crops.face_px >= low) & (crops.face_px < high)
    for index, state in enumerate(MASK_STATES):
        yield f"24 px and more, {state.value}", counted & (crops.states == index)
    for source in sorted(set(crops.sources.tolist())):
        yield f"24 px and more, source {source}", counted & (crops.sources == source)


def _figures(states: NDArray[np.int64], shares: NDArray[np.float32]) -> dict[str, Any]:
    guess = shares.argmax(axis=1)

    confusion = [[int(((states == true) & (guess == said)).sum()) for said in range(3)] for true in range(3)]
    return {
        "faces": len(states),
        "right_of_two": round(float(((guess == 0) == (states == 0)).mean()), 4),
        "right_of_three": round(float((guess == states).mean()), 4),
        "confusion": confusion,
    }
