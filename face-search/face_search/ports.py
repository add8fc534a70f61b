"""What stands between the stories and the parts: a reader of faces, and an index of their vectors.

`read_faces` implements the reader, `adapters.milvus` the index; `adapters.exact` is the index in numpy, which tests and
benches hold beside it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from shared_kernel.messages import MaskState

#: A picture: H x W x 3 uint8, blue-green-red.
Picture = NDArray[np.uint8]
#: The vector of one face: D float32, length 1.
Vector = NDArray[np.float32]
#: What a vector was made from.
VectorKind = Literal["sample", "sighting"]


class QualityReason(enum.StrEnum):
    """What is wrong with a face, for the one who took the picture."""

    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    TURNED = "turned"
    DARK = "dark"
    BRIGHT = "bright"
    COVERED = "covered"
    SEVERAL_FACES = "several_faces"
    NO_FACE = "no_face"


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a face is for recognition: 0..1, and what is not good about it, worst first."""

    score: float
    reasons: tuple[QualityReason, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class FaceRead:
    """One face of a picture.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the picture; may reach beyond its edges.
        score: 0..1, how sure the detector is that this is a face.
        aligned: 112 x 112 x 3 uint8, blue-green-red, the upright face as the network reads it.
        crop: H x W x 3 uint8, blue-green-red, the face with some surroundings, for people.
        vector: D float32, length 1.
        quality: how good it is for recognition.
        mask_state: what it wears.
        covered: mouth or nose cannot be seen: it is compared by another threshold.
    """

    box: tuple[float, float, float, float]
    score: float
    aligned: Picture
    crop: Picture
    vector: Vector
    quality: Quality
    mask_state: MaskState
    covered: bool


class FaceReader(Protocol):
    """Finds faces and says what is needed to recognise each. Thread safe."""

    #: Name and version of the embedding model, such as `sface-2021dec`.
    model: str
    #: Of its vectors.
    dimension: int

    def read(self, picture: Picture) -> list[FaceRead]:
        """Read all faces of a picture (H x W x 3 uint8, blue-green-red), the largest first."""
        ...

    def embed(self, aligned: Sequence[Picture]) -> NDArray[np.float32]:
        """Give the vectors of upright faces, 112 x 112 x 3 uint8 blue-green-red each, as N x D float32 of length 1."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class IndexEntry:
    """A vector with what searches filter by.

    Attributes:
        vector_id: key of the entry.
        vector: D float32, length 1.
        kind: what it was made from.
        subject_id: which sample or sighting.
        person_id: whose sample; who the sighting shows; empty: nobody known.
        camera_id: which camera saw it, or of a photo which user took it; empty: a sample.
        seen_at_ms: milliseconds since 1970 of a sighting; 0 of a sample.
        mask_state: what the face wears.
        covered: mouth or nose cannot be seen.
    """

    vector_id: str
    vector: Vector
    kind: VectorKind
    subject_id: str
    person_id: str
    camera_id: str
    seen_at_ms: int
    mask_state: MaskState
    covered: bool


@dataclass(frozen=True, slots=True)
class IndexFilter:
    """Which entries a search looks at. None: whichever; an empty set: no entry at all.

    Attributes:
        kind: samples or sightings.
        person_ids: of these persons only.
        camera_ids: seen by these cameras, or on photos that these users took.
        from_ms: seen then or later, milliseconds since 1970.
        to_ms: seen before that.
        mask_states: wearing one of these.
    """

    kind: VectorKind
    person_ids: frozenset[str] | None = None
    camera_ids: frozenset[str] | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    mask_states: frozenset[MaskState] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that is near, and the cosine between it and what was searched: -1..1."""

    vector_id: str
    subject_id: str
    score: float


class VectorIndex(Protocol):
    """A cache of the vectors in SQL that finds the nearest. Thread safe.

    Raises (every method):
        Unavailable: the index is away, or has no collection of this model.
    """

    def has(self, model: str) -> bool:
        """Tell whether a model has a collection."""
        ...

    def ensure(self, model: str, dimension: int) -> bool:
        """Make the collection of a model ready to be searched. True: there was none, and it is empty now."""
        ...

    def upsert(self, model: str, entries: Sequence[IndexEntry]) -> None:
        """Put entries in; what has the same id is replaced."""
        ...

    def remove(self, model: str, vector_ids: Sequence[str]) -> None:
        """Take entries out; what is not there is out, and so is everything when there is no collection."""
        ...

    def search(self, model: str, vectors: NDArray[np.float32], top_k: int, only: IndexFilter) -> list[list[Hit]]:
        """Give the `top_k` nearest entries to each of the N x D float32 `vectors` of length 1, nearest first."""
        ...

    def ids(self, model: str) -> Iterator[str]:
        """Every id in the collection of a model, in no order; none when there is no collection."""
        ...

    def drop(self, model: str) -> None:
        """Remove the collection of a model, if there is one."""
        ...
