"""Batches for networks of strangers: taken where they answer the same, never where they only seem to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from inference_service.packs.batch import takes_batches
from shared_kernel.vision.models.batch import run_in_batches

Floats = NDArray[np.float32]


class CannedNetwork:
    """Answers by a function of the inputs; keeps the size of every run."""

    def __init__(self, answer: Callable[[Floats], tuple[Floats, ...]], most: int = 99) -> None:
        self.answer, self.most = answer, most
        self.runs: list[int] = []

    def run(self, inputs: Floats | NDArray[np.uint8]) -> tuple[Floats, ...]:
        if len(inputs) > self.most:
            raise ValueError(f"expected a batch of {self.most}, got {len(inputs)}")
        self.runs.append(len(inputs))
        return self.answer(np.asarray(inputs, np.float32))


def means(inputs: Floats) -> tuple[Floats, ...]:
    return inputs.mean(axis=(1, 2, 3))[:, None], inputs.max(axis=(1, 2))


def of_all(inputs: Floats) -> tuple[Floats, ...]:
    return (np.repeat(inputs.mean(keepdims=True)[:, 0, 0], len(inputs), axis=0),)


def folded(inputs: Floats) -> tuple[Floats, ...]:
    return (inputs.mean(keepdims=True),)


def turned(inputs: Floats) -> tuple[Floats, ...]:
    return (inputs.mean(axis=(1, 2, 3))[::-1, None],)


def unsure(inputs: Floats) -> tuple[Floats, ...]:
    return (np.full((len(inputs), 2), np.nan, np.float32), means(inputs)[0] + np.float32(1e-4 * len(inputs)))


def nothing(inputs: Floats) -> tuple[Floats, ...]:
    return (np.float32(inputs.size) * np.ones((), np.float32),)


def pictures(count: int, side: int = 8) -> list[Floats]:
    noise = np.random.default_rng(count).random((count, 1, 3, side, side), np.float32)
    return [one * index for index, one in enumerate(noise, start=1)]


@pytest.mark.parametrize(
    ("answer", "most", "taken"),
    [
        (means, 99, True),
        (unsure, 99, True),  # a runtime adds in another order; what is no number stays none
        (means, 1, False),
        (of_all, 99, False),
        (folded, 99, False),
        (turned, 99, False),
        (nothing, 99, False),
    ],
)
def test_batches_are_taken_only_where_answers_stay_the_same(
    answer: Callable[[Floats], tuple[Floats, ...]], most: int, taken: bool
) -> None:
    assert takes_batches(CannedNetwork(answer, most), *pictures(2)) is taken


def test_inputs_of_one_shape_go_together_and_answers_keep_their_places() -> None:
    network = CannedNetwork(means)
    inputs = [*pictures(2), *pictures(1, side=4), *pictures(3)]
    answers = run_in_batches(network, inputs)
    assert network.runs == [5, 1]
    for one, outputs in zip(inputs, answers, strict=True):
        for expected, got in zip(means(one), outputs, strict=True):
            assert got.shape == expected.shape
            np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert run_in_batches(network, []) == []


def test_a_network_that_changes_its_mind_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected 3 of each, one a picture, got"):
        run_in_batches(CannedNetwork(folded), pictures(3))
