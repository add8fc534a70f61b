"""Whether a foreign network may be given several pictures at once (`models.batch` does that).

An export says its batch size, or says that any will do and has a 1 inside all the same; so `takes_batches` tries.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.models.batch import run_in_batches
from shared_kernel.vision.ports import Session

#: By how much a runtime may answer otherwise in a batch, as a share of the largest value of an output.
_TOLERANCE: Final = 0.01


def takes_batches(session: Session, first: NDArray[np.float32], second: NDArray[np.float32]) -> bool:
    """Tell whether a network answers two inputs (1 x ..., of one shape) in one run as it answers them alone."""
    try:
        alone = [session.run(first), session.run(second)]
        together = run_in_batches(session, [first, second])
    except ValueError:
        return False
    return all(
        len(mine) == len(theirs) and all(map(_alike, mine, theirs))
        for mine, theirs in zip(alone, together, strict=True)
    )


def _alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    if one.shape != other.shape:
        return False
    # A foreign network may answer anything.
    with np.errstate(all="ignore"):
        largest = float(np.abs(one[np.isfinite(one)]).max(initial=0.0))
        return np.allclose(one, other, rtol=0.0, atol=_TOLERANCE * largest, equal_nan=True)
