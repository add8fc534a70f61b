"""Verdicts on faces: what a network's answer means, and which faces are looked at a second time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shared_kernel.vision.models.align import CROP_PX, LANDMARK_PLACES
from shared_kernel.vision.models.mask_reader import FINE_CROP_PX, MaskReader
from shared_kernel.vision.models.mask_state import MAX_PIXELS, MaskStateClassifier, softmax
from shared_kernel.vision.models.yunet import STRIDES_PX, FaceDetector
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import MASK_STATES

#: Pictures of this size go to the detector as they are.
HEIGHT_PX, WIDTH_PX = 352, 608

#: Faces stand side by side in rows.
FACE_PX = 64
FACES_A_ROW = WIDTH_PX // FACE_PX

#: Crops of the first look that go through the network at once.
MAX_CROPS = MAX_PIXELS // CROP_PX**2

#: Faces at least this bright are easy.
EASY = 200


class BrightnessSession:
    """Takes dark crops for with_mask, middling ones for without_mask, bright ones for mask_worn_incorrectly."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        self.batches.append(len(inputs))
        level = inputs.mean(axis=(1, 2, 3))
        return (np.stack([-np.abs(level - middle) for middle in (0, 128, 255)], axis=1),)


def test_each_crop_gets_its_state() -> None:
    crops = np.stack([np.full((CROP_PX, CROP_PX, 3), level, np.uint8) for level in (0, 128, 255)])
    shares = MaskStateClassifier(BrightnessSession()).classify(crops)
    assert shares.argmax(axis=1).tolist() == [0, 1, 2]
    assert shares.sum(axis=1) == pytest.approx([1, 1, 1])
    assert shares.max(axis=1).min() > 0.9


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("count", [0, 1, MAX_CROPS, MAX_CROPS + 1, 100])
def test_any_number_of_crops_goes_in_batches(count: int, mirrored: bool) -> None:
    session = BrightnessSession()
    crops = np.zeros((count, CROP_PX, CROP_PX, 3), np.uint8)
    assert MaskStateClassifier(session).classify(crops, mirrored=mirrored).shape == (count, len(MASK_STATES))
    assert sum(session.batches) == count * (1 + mirrored)
    assert all(size <= MAX_CROPS for size in session.batches)


class OneSided:
    """Sure of bright crops; of the others it says `with_mask` when their left side is dark, else `without_mask`."""

    def __init__(self) -> None:
        self.seen = 0

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        self.seen += len(inputs)
        sure = inputs.mean(axis=(1, 2, 3)) > EASY
        dark = inputs[..., :8].mean(axis=(1, 2, 3)) < 50
        unsure = np.where(dark[:, None], [[1.0, 0.5, -4.0]], [[0.0, 1.0, -4.0]])
        return (np.where(sure[:, None], [[9.0, 0.0, 0.0]], unsure).astype(np.float32),)


#: What `OneSided` says of a crop with a dark left side and of its mirror, on average.
BOTH_SIDES = softmax(np.array([[1.0, 0.5, -4.0], [0.0, 1.0, -4.0]], np.float32)).mean(axis=0)


def test_mirrored_crops_count_half() -> None:
    half = np.full((2, CROP_PX, CROP_PX, 3), 100, np.uint8)
    half[0, :, :8] = 0
    half[1, :, -8:] = 0
    session = OneSided()
    shares = MaskStateClassifier(session).classify(half, mirrored=True)
    assert session.seen == 4
    assert shares[0] == pytest.approx(BOTH_SIDES)
    assert shares[1] == pytest.approx(BOTH_SIDES)


def test_probabilities_stay_finite() -> None:
    shares = softmax(np.array([[1000.0, 0.0, -1000.0], [0.0, 0.0, 0.0]], np.float32))
    assert shares[0] == pytest.approx([1, 0, 0])
    assert shares[1] == pytest.approx([1 / 3] * 3)


class Faces:
    """Finds so many faces, row by row, the first with the best score; `portrait` paints them."""

    def __init__(self, count: int) -> None:
        self.count = count

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        _, _, height, width = inputs.shape
        assert (height, width) == (HEIGHT_PX, WIDTH_PX)
        outputs = [
            np.zeros((1, (height // stride) * (width // stride), values), np.float32)
            for values in (1, 1, 4, 10)
            for stride in STRIDES_PX
        ]
        stride = STRIDES_PX[-1]
        for index in range(self.count):
            column, row = _corner(index)[0] // stride, _corner(index)[1] // stride
            cell = row * (width // stride) + column
            outputs[2][0, cell] = outputs[5][0, cell] = 1 - index / 1000
            outputs[8][0, cell] = [1, 1, np.log(FACE_PX / stride), np.log(FACE_PX / stride)]
            outputs[11][0, cell] = (LANDMARK_PLACES * FACE_PX / stride).reshape(-1)
        return tuple(outputs)


def _corner(index: int) -> tuple[int, int]:
    return index % FACES_A_ROW * FACE_PX, index // FACES_A_ROW * FACE_PX


def portrait(levels: list[int]) -> Picture:
    """Faces of these levels of grey."""
    picture = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    for index, level in enumerate(levels):
        x, y = _corner(index)
        picture[y : y + FACE_PX, x : x + FACE_PX] = level
    return picture


class Levels:
    """Sure of bright faces; of the others it gives the state `says`, the surer the brighter, up to `most`."""

    def __init__(self, says: int, most: float) -> None:
        self.says, self.most = says, most
        self.shapes: list[tuple[int, ...]] = []

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        self.shapes.append(inputs.shape)
        levels = inputs[:, 0, inputs.shape[2] // 2, inputs.shape[3] // 2]
        return (np.stack([self.scores(int(level)) for level in levels]),)

    def scores(self, level: int) -> NDArray[np.float32]:
        scores = np.zeros(len(MASK_STATES), np.float32)
        scores[0 if level >= EASY else self.says] = 9 if level >= EASY else self.most * level / EASY
        return scores

    def shares(self, level: int) -> NDArray[np.float32]:
        return np.asarray(softmax(self.scores(level)[None])[0], np.float32)

    @property
    def crops(self) -> int:
        return sum(shape[0] for shape in self.shapes)


def test_unsure_faces_are_judged_again_by_the_larger_network_and_its_answer_replaces_the_first() -> None:
    levels = [40, 220, 80, 120, 240, 160]
    first, fine = Levels(1, most=1.0), Levels(2, most=5.0)
    reader = _reader(Faces(len(levels)), first, fine)
    found = reader.read([portrait(levels)])[0]
    assert {shape[1:] for shape in first.shapes} == {(3, CROP_PX, CROP_PX)}
    assert {shape[1:] for shape in fine.shapes} == {(3, FINE_CROP_PX, FINE_CROP_PX)}
    assert first.crops == len(levels)
    assert fine.crops == 2 * 4  # as they are and mirrored
    for one in found:
        assert one.face is not None
        level = levels[round(one.box[0] / FACE_PX)]
        answer = (first if level >= EASY else fine).shares(level)
        assert one.face.shares == pytest.approx(answer), level
        assert one.label == one.face.state == MASK_STATES[int(answer.argmax())]
        assert one.score == pytest.approx(one.face.score * float(answer.max()))
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_nobody_looks_again_when_all_faces_are_sure() -> None:
    first, fine = Levels(1, most=1.0), Levels(2, most=5.0)
    found = _reader(Faces(3), first, fine).read([portrait([210, 220, 230])])[0]
    assert [one.label for one in found] == ["with_mask"] * 3
    assert (first.crops, fine.crops) == (3, 0)


def test_faces_of_several_pictures_are_judged_in_common_batches_and_stay_with_their_pictures() -> None:
    first, fine = Levels(1, most=1.0), Levels(2, most=5.0)
    pictures = [[level] * 35 for level in (100, 220, 50)]
    found = _reader(Faces(35), first, fine).read([portrait(levels) for levels in pictures])
    assert [shape[0] for shape in first.shapes] == [MAX_CROPS] * 3 + [105 - 3 * MAX_CROPS]
    assert fine.crops == 2 * 70
    assert max(shape[0] for shape in fine.shapes) == MAX_PIXELS // FINE_CROP_PX**2
    for levels, faces in zip(pictures, found, strict=True):
        assert len(faces) == 35
        answer = (first if levels[0] >= EASY else fine).shares(levels[0])
        assert all(one.face is not None and one.face.shares == pytest.approx(answer) for one in faces)


def test_without_a_larger_network_the_first_looks_again_in_the_mirror() -> None:
    first = OneSided()
    picture = portrait([255, 100])
    picture[:FACE_PX, FACE_PX : FACE_PX + 8] = 0
    found = sorted(_reader(Faces(2), first, None).read([picture])[0], key=lambda one: one.box[0])
    assert first.seen == 2 + 2
    assert found[1].face is not None
    assert found[1].face.shares == pytest.approx(BOTH_SIDES)


def _reader(faces: Faces, first: Levels | OneSided, fine: Levels | None) -> MaskReader:
    return MaskReader(
        FaceDetector(faces), MaskStateClassifier(first), MaskStateClassifier(fine, FINE_CROP_PX) if fine else None
    )


@pytest.mark.parametrize("count", [0, 1, 3])
def test_pictures_without_faces_give_empty_lists(count: int) -> None:
    reader = _reader(Faces(0), Levels(1, most=1.0), Levels(2, most=5.0))
    assert reader.read([portrait([])] * count) == [[]] * count
