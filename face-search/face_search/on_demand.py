"""Networks and decoding children that begin when they are first needed: a web process that nobody asks stays small.

Used by `bootstrap` alone; everybody else sees the ports.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from face_search.ports import FaceRead, FaceReader, Picture
from shared_kernel.vision.decoding import Decoders
from shared_kernel.vision.rules import Urgency

T = TypeVar("T")


class OnDemand(Generic[T]):
    """Made once, by whoever asks first. Thread safe."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: T | None = None
        self._turn = threading.Lock()

    def get(self) -> T:
        """The thing itself."""
        with self._turn:
            if self._made is None:
                self._made = self._make()
            return self._made

    def if_made(self) -> T | None:
        """The thing, if anybody asked for it."""
        with self._turn:
            return self._made


class ReaderOnDemand:
    """See `face_search.ports.FaceReader`; its networks are loaded at the first face."""

    def __init__(self, model: str, dimension: int, make: Callable[[], FaceReader]) -> None:
        self.model = model
        self.dimension = dimension
        self._reader = OnDemand(make)

    def read(self, picture: Picture) -> list[FaceRead]:
        """See the port."""
        return self._reader.get().read(picture)

    def embed(self, aligned: Sequence[Picture]) -> NDArray[np.float32]:
        """See the port."""
        return self._reader.get().embed(aligned)


class DecoderOnDemand:
    """See `shared_kernel.vision.ports.Decoder`; its child is started with the first file."""

    def __init__(self, make: Callable[[], Decoders]) -> None:
        self._decoders = OnDemand(make)

    def decode(self, data: bytes, urgency: Urgency) -> Picture:
        """See the port."""
        return self._decoders.get().decode(data, urgency)

    def close(self) -> None:
        """End the child."""
        decoders = self._decoders.if_made()
        if decoders is not None:
            decoders.close()
