from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from inference_service.models.align import CROP_PX
from inference_service.models.mask_reader import MaskReader
from inference_service.models.mask_state import MAX_CROPS, MaskStateClassifier, softmax
from inference_service.models.yunet import FaceDetector
from inference_service.rules import MASK_STATES


class BrightnessSession:
    """Takes dark crops for with_mask, middling ones for without_mask, bright ones for mask_worn_incorrectly."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        self.batches.append(len(inputs))
        level = inputs.mean(axis=(1, 2, 3))
        return (np.stack([-np.abs(level - middle) for middle in (0, 128, 255)], axis=1),)


class NoFaces:
    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        _, _, height, width = inputs.shape
        return tuple(
            np.zeros((1, (height // s) * (width // s), values), np.float32)
            for values in (1, 1, 4, 10)
            for s in (8, 16, 32)
        )


def test_each_crop_gets_its_state() -> None:
    crops = np.stack([np.full((CROP_PX, CROP_PX, 3), level, np.uint8) for level in (0, 128, 255)])
    verdicts = MaskStateClassifier(BrightnessSession()).classify(crops)
    assert [verdict.state for verdict in verdicts] == list(MASK_STATES)
    assert all(0.9 < verdict.score <= 1 for verdict in verdicts)


@pytest.mark.parametrize("count", [0, 1, MAX_CROPS, MAX_CROPS + 1, 100])
def test_any_number_of_crops_goes_in_batches(count: int) -> None:
    session = BrightnessSession()
    assert len(MaskStateClassifier(session).classify(np.zeros((count, CROP_PX, CROP_PX, 3), np.uint8))) == count
    assert all(size <= MAX_CROPS for size in session.batches)


class OneSided:
    """Sure of bright crops; of the others it says `with_mask` when their left side is dark, else `without_mask`."""

    def __init__(self) -> None:
        self.seen = 0

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        self.seen += len(inputs)
        sure = inputs.mean(axis=(1, 2, 3)) > 200
        dark = inputs[..., :8].mean(axis=(1, 2, 3)) < 50
        unsure = np.where(dark[:, None], [[1.0, 0.5, -4.0]], [[0.0, 1.0, -4.0]])
        return (np.where(sure[:, None], [[9.0, 0.0, 0.0]], unsure).astype(np.float32),)


def test_only_unsure_crops_are_judged_in_the_mirror_too() -> None:
    bright = np.full((CROP_PX, CROP_PX, 3), 255, np.uint8)
    half = np.full((CROP_PX, CROP_PX, 3), 100, np.uint8)
    half[:, :8] = 0
    session = OneSided()
    sure, unsure = MaskStateClassifier(session).classify(np.stack([bright, half]))
    assert session.seen == 3
    assert sure.shares == pytest.approx(softmax(np.array([[9.0, 0.0, 0.0]], np.float32))[0])
    both = softmax(np.array([[1.0, 0.5, -4.0], [0.0, 1.0, -4.0]], np.float32)).mean(axis=0)
    assert unsure.shares == pytest.approx(both)
    assert unsure.state == MASK_STATES[int(both.argmax())]


def test_probabilities_stay_finite() -> None:
    shares = softmax(np.array([[1000.0, 0.0, -1000.0], [0.0, 0.0, 0.0]], np.float32))
    assert shares[0] == pytest.approx([1, 0, 0])
    assert shares[1] == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_pictures_without_faces_give_empty_lists(count: int) -> None:
    reader = MaskReader(FaceDetector(NoFaces()), MaskStateClassifier(BrightnessSession()))
    assert reader.read([np.zeros((48, 64, 3), np.uint8)] * count) == [[]] * count
