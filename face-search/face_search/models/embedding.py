"""Upright faces in, vectors of length 1 out: the network that a card describes, in batches."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_search.models.card import Card
from face_search.models.upright import UPRIGHT_PX
from face_search.ports import Picture
from shared_kernel.vision.ports import Session

#: Faces that go through the network at once; more bring no speed on a CPU and cost memory.
BATCH: Final = 16


class FaceEmbedder:
    """Makes vectors. Safe for one thread at a time, as its session is."""

    def __init__(self, session: Session, card: Card) -> None:
        """Take a ready network: N x 3 x 112 x 112 float32 in, N x `card.dimension` float32 out."""
        self._session = session
        self._card = card

    def embed(self, faces: Sequence[Picture]) -> NDArray[np.float32]:
        """Give the vectors of upright faces.

        Args:
            faces: N of 112 x 112 x 3 uint8, blue-green-red; N may be 0.

        Returns:
            N x D float32, each row of length 1.

        Raises:
            ValueError: a face has another shape, or the network answers with another dimension.
        """
        vectors = np.empty((len(faces), self._card.dimension), np.float32)
        for start in range(0, len(faces), BATCH):
            part = faces[start : start + BATCH]
            outputs = self._session.run(self._inputs(part))[0]
            if outputs.shape != (len(part), self._card.dimension):
                expected = f"{len(part)} x {self._card.dimension}"
                raise ValueError(f"output of {self._card.name}: expected {expected}, got {outputs.shape}")
            vectors[start : start + BATCH] = outputs
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)

    def _inputs(self, faces: Sequence[Picture]) -> NDArray[np.float32]:
        for face in faces:
            if face.shape != (UPRIGHT_PX, UPRIGHT_PX, 3) or face.dtype != np.uint8:
                raise ValueError(f"face: expected 112 x 112 x 3 uint8, got {face.shape} {face.dtype}")
        pixels = np.stack(faces)
        if self._card.colours == "rgb":
            pixels = pixels[..., ::-1]
        values = (pixels.transpose(0, 3, 1, 2).astype(np.float32) - self._card.mean) * self._card.scale
        return np.ascontiguousarray(values, np.float32)
