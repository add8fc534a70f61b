"""What the story of this service needs from the outside, as protocols.

`analyse` works on these; `bootstrap` alone knows which class stands behind each of them.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inference_service.rules import Found
from shared_kernel.messages import FrameAnalysed

#: A picture: height x width x 3, uint8, blue-green-red.
Picture = NDArray[np.uint8]


class Session(Protocol):
    """A network that has been made ready to run on some runtime."""

    def run(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Run the network once.

        Args:
            inputs: N x C x H x W, float32; what the values mean is the model's business.

        Returns:
            The network's outputs in the order in which the network declares them, each N x ... float32.

        Raises:
            ValueError: the network does not take inputs of this shape.
        """
        ...


class Model(Protocol):
    """Finds in pictures what it was trained for: faces and their state, objects, or what a whole picture shows.

    Threads may share one.
    """

    def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
        """Give what was found in every picture, in the order of the pictures, best score first.

        A classifier gives its likeliest labels with the whole picture as their box.
        """
        ...


class Tally(Protocol):
    """Counts what the story does, for metrics."""

    def frame_analysed(self, frame: FrameAnalysed) -> None:
        """Count a frame whose verdict goes out."""
        ...

    def frame_skipped(self, reason: str) -> None:
        """Count a frame that was not analysed: `stale`, `overtaken` or `unreadable`."""
        ...

    def photo_done(self, outcome: str) -> None:
        """Count a photo: `analysed`, `late`, or the code of its error."""
        ...
