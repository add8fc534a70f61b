"""Inputs of many pictures through one network: in one run where that answers as each alone would be, else one by one.

An export says its batch size, or says that any will do and has a 1 inside all the same; so `takes_batches` tries.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference_service.ports import Session

Inputs = NDArray[np.float32]
Outputs = tuple[NDArray[np.float32], ...]

#: By how much a runtime may answer otherwise in a batch, as a share of the largest value of an output.
_TOLERANCE: Final = 0.01


def takes_batches(session: Session, first: Inputs, second: Inputs) -> bool:
    """Tell whether a network answers two inputs (1 x ..., of one shape) in one run as it answers them alone."""
    try:
        alone = [session.run(first), session.run(second)]
        together = _in_one_run(session, [first, second])
    except ValueError:
        return False
    return all(
        len(mine) == len(theirs) and all(map(_alike, mine, theirs))
        for mine, theirs in zip(alone, together, strict=True)
    )


def run_in_batches(session: Session, inputs: Sequence[Inputs]) -> list[Outputs]:
    """Run inputs of the same shape together.

    Args:
        session: of a network that takes batches.
        inputs: each 1 x ..., float32.

    Returns:
        The outputs of each input, as if it had been alone, in the order of the inputs.

    Raises:
        ValueError: the network does not take them.
    """
    alike: dict[tuple[int, ...], list[int]] = {}
    for index, one in enumerate(inputs):
        alike.setdefault(one.shape, []).append(index)
    found: dict[int, Outputs] = {}
    for indices in alike.values():
        found.update(zip(indices, _in_one_run(session, [inputs[index] for index in indices]), strict=True))
    return [found[index] for index in range(len(inputs))]


def _in_one_run(session: Session, inputs: Sequence[Inputs]) -> list[Outputs]:
    if len(inputs) == 1:
        return [session.run(inputs[0])]
    outputs = session.run(np.concatenate(inputs))
    if any(output.ndim == 0 or len(output) != len(inputs) for output in outputs):
        shapes = ", ".join(str(output.shape) for output in outputs)
        raise ValueError(f"outputs: expected {len(inputs)} of each, one a picture, got {shapes}")
    return [tuple(output[index : index + 1] for output in outputs) for index in range(len(inputs))]


def _alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    if one.shape != other.shape:
        return False
    # A foreign network may answer anything.
    with np.errstate(all="ignore"):
        largest = float(np.abs(one[np.isfinite(one)]).max(initial=0.0))
        return np.allclose(one, other, rtol=0.0, atol=_TOLERANCE * largest, equal_nan=True)
