"""Which crops an epoch sees: a plan drawn from the seed and the epoch's number alone, so that it can be resumed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from torch.utils.data import Dataset

from shared_kernel.vision.rules import MASK_STATES
from training.paint import paint_dyed, paint_glasses, paint_hand, paint_mask, paint_scarf
from training.states.crops import Crops
from training.states.vary import vary

#: Share of the examples of an epoch: state, whether a mask is painted on a bare face, share.
PLAN: tuple[tuple[str, str | None, float], ...] = (
    ("with_mask", None, 0.32),
    ("with_mask", "worn", 0.08),
    ("without_mask", None, 0.38),
    ("mask_worn_incorrectly", None, 0.155),
    ("mask_worn_incorrectly", "nose", 0.04),
    ("mask_worn_incorrectly", "chin", 0.025),
)

#: How much a crop of a source counts against its number; drawn masks (mfn) are many and all alike.
SOURCE_WEIGHT = {"kg": 1.0, "wp": 1.6, "fc": 1.0, "ch": 0.7, "lfw": 0.5, "mfn": 0.35}

#: A crop cut out by the box alone stands for the faces that the detector misses.
BOXED_WEIGHT = 0.35

#: Share of the bare faces that get a hand before the mouth.
HAND_SHARE = 0.12

#: Share of the bare faces that get a scarf or a collar.
SCARF_SHARE = 0.15

#: Share of all faces that get glasses or a carnival mask.
GLASSES_SHARE = 0.07

#: Share of masks that get another cloth, and of bare faces that are painted alike and stay bare.
DYED_SHARE = {"with_mask": 0.3, "without_mask": 0.03, "mask_worn_incorrectly": 0.0}

#: Faces smaller than this are not painted on: their landmarks are too vague.
PAINTABLE_PX = 28.0


@dataclass(frozen=True)
class Example:
    """One line of the plan: which crop, what is painted on it, and the seed of its variation."""

    crop: int
    wearing: str | None
    seed: int


def plan_epoch(crops: Crops, epoch: int, size: int, seed: int) -> list[Example]:
    """Draw the examples of one epoch."""
    rng = default_rng([seed, epoch])
    states = np.array(MASK_STATES)[crops.states]
    weights = np.array([SOURCE_WEIGHT[s] for s in crops.sources.tolist()])
    weights = np.where(crops.how == "boxed", weights * BOXED_WEIGHT, weights)
    # A blur of twelve pixels teaches less than a face.
    weights *= np.clip(crops.face_px / 24.0, 0.35, 1.0)
    paintable = (states == "without_mask") & (crops.how == "found") & (crops.face_px >= PAINTABLE_PX)
    examples = []
    for state, wearing, share in PLAN:
        pool = weights * (paintable if wearing else states == state)
        chosen = rng.choice(len(crops), round(share * size), p=pool / pool.sum())
        examples += [
            Example(int(c), wearing, int(s)) for c, s in zip(chosen, rng.integers(2**62, size=len(chosen)), strict=True)
        ]
    rng.shuffle(examples)
    return examples


class Epoch(Dataset[tuple[NDArray[np.uint8], int]]):
    """The examples of one epoch, made when they are asked for."""

    def __init__(self, crops: Crops, examples: list[Example]) -> None:
        self._crops, self._examples = crops, examples

    def __len__(self) -> int:
        return len(self._examples)

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], int]]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], int]:
        """Give one example: CROP_PX square uint8 and the index of its state."""
        example = self._examples[index]
        rng = default_rng(example.seed)
        pixels, state = self._painted(example, rng)
        return vary(pixels, float(self._crops.face_px[example.crop]), rng), state

    def _painted(self, example: Example, rng: Generator) -> tuple[NDArray[np.uint8], int]:
        crops, index = self._crops, example.crop
        pixels, state = crops.pixels[index], int(crops.states[index])
        if example.wearing:
            pixels, name = paint_mask(pixels, crops.landmarks[index], example.wearing, rng)
            state = MASK_STATES.index(name)
        elif crops.how[index] == "found" and rng.random() < DYED_SHARE[MASK_STATES[state]]:
            pixels = paint_dyed(pixels, crops.landmarks[index], rng)
        elif MASK_STATES[state] == "without_mask" and rng.random() < SCARF_SHARE:
            pixels = paint_scarf(pixels, crops.landmarks[index], rng)
        elif MASK_STATES[state] == "without_mask" and rng.random() < HAND_SHARE:
            pixels = paint_hand(pixels, crops.landmarks[index], rng)
        if rng.random() < GLASSES_SHARE:
            pixels = paint_glasses(pixels, crops.landmarks[index], rng)
        return pixels, state
