"""What stands between the parts of looking at a picture: a model runs on any `Session`, a story on any `Decoder`."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared_kernel.vision.rules import Urgency

#: A picture: height x width x 3, uint8, blue-green-red.
Picture = NDArray[np.uint8]


class Session(Protocol):
    """A network that has been made ready to run on some runtime."""

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Run the network once.

        Args:
            inputs: N x C x H x W, in any order in memory; what the values mean is the model's business. Our own
                networks take uint8, those of packs what their manifest makes of a picture.

        Returns:
            The network's outputs in the order in which the network declares them, each N x ... float32.

        Raises:
            ValueError: the network does not take inputs of this shape.
        """
        ...


class Decoder(Protocol):
    """Turns a stranger's bytes into a picture without being hurt by them."""

    def decode(self, data: bytes, urgency: Urgency) -> Picture:
        """Give the upright picture.

        Raises:
            UnreadablePicture: it gives none; `code` says why.
            Unavailable: there is no decoder at this moment.
        """
        ...


class DecoderTally(Protocol):
    """Counts what happens to decoders, for metrics."""

    def decoder_ended(self, reason: str) -> None:
        """Count a decoder that was lost over a file: `crashed` or `too_slow`."""
        ...
