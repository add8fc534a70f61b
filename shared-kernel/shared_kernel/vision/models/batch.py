"""Inputs of many pictures through one network, those of one shape together. Our detector and foreign packs use it."""

import sys
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.ports import Session

Number = TypeVar("Number", np.float32, np.uint8)
Outputs = tuple[NDArray[np.float32], ...]


def run_in_batches(session: Session, inputs: Sequence[NDArray[Number]], most: int = sys.maxsize) -> list[Outputs]:
    """Run inputs of the same shape together.

    Args:
        session: of a network that takes batches.
        inputs: each 1 x ....
        most: inputs of one run at most.

    Returns:
        The outputs of each input, as if it had been alone, in the order of the inputs.

    Raises:
        ValueError: the network does not take them.
    """
    alike: dict[tuple[int, ...], list[int]] = {}
    for index, one in enumerate(inputs):
        alike.setdefault(one.shape, []).append(index)
    found: dict[int, Outputs] = {}
    for same in alike.values():
        for start in range(0, len(same), most):
            indices = same[start : start + most]
            found.update(zip(indices, _in_one_run(session, [inputs[index] for index in indices]), strict=True))
    return [found[index] for index in range(len(inputs))]


def _in_one_run(session: Session, inputs: Sequence[NDArray[Number]]) -> list[Outputs]:
    if len(inputs) == 1:
        return [session.run(inputs[0])]
    outputs = session.run(np.concatenate(inputs))
    if any(output.ndim == 0 or len(output) != len(inputs) for output in outputs):
        shapes = ", ".join(str(output.shape) for output in outputs)
        raise ValueError(f"outputs: expected {len(inputs)} of each, one a picture, got {shapes}")
    return [tuple(output[index : index + 1] for output in outputs) for index in range(len(inputs))]
