"""A picture in; its faces with vectors, quality and mask state out: `ports.FaceReader` on real networks.

Four networks look: our detector and mask states find faces whatever they wear, YuNet makes the landmarks exact, and the
embedding network of a card makes the vectors. docs/design/0016-face-vectors.md says why it is these.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_search import quality, weights
from face_search.models.card import SFACE_CARD, Card
from face_search.models.embedding import FaceEmbedder
from face_search.models.landmarks import WINDOWS, Landmarks
from face_search.models.upright import UPRIGHT_PX, portrait, upright
from face_search.ports import FaceRead, Picture
from face_search.turns import Turns
from shared_kernel.errors import ArtifactError
from shared_kernel.messages import MaskState
from shared_kernel.vision import networks
from shared_kernel.vision.models.mask_reader import MaskReader
from shared_kernel.vision.networks import Device
from shared_kernel.vision.ports import Session
from shared_kernel.vision.rules import FaceReading, Found
from shared_kernel.vision.sessions.openvino import OpenVinoSession, constants
from shared_kernel.vision.sessions.openvino_pack import OpenVinoPackSession

#: A face with at least this share of the largest one's area could be meant as well as that, if it is so surely a face.
COMPANY: Final = 0.25
COMPANY_SCORE: Final = 0.7

#: Surroundings of a portrait, as a share of the face's longer side, and its longest side in pixels.
MARGIN: Final = 0.35
PORTRAIT_PX: Final = 320


#: People enrol pictures of every form: 700 of them took 350 MiB in prepared operations that hardly anybody used again,
#: and take 220 so, for a twentieth more time (docs/design/0018-face-index.md).
FOR_ANY_PICTURE: Final = networks.Tuning(kept_operations=64)

#: Faces that one turn makes vectors of: whoever reads one face waits for these, not for a whole crowd.
TURN_FACES: Final = 4


class Reader:
    """Reads faces. Threads may share one; they take turns, which are short, in the order in which they come."""

    def __init__(self, card: Card, finder: MaskReader, landmarks: Landmarks, embedder: FaceEmbedder) -> None:
        """Take the networks, ready to run."""
        self.model = card.name
        self.dimension = card.dimension
        self._finder = finder
        self._landmarks = landmarks
        self._embedder = embedder
        self._finding = Turns()
        self._recognising = Turns()

    def read(self, picture: Picture) -> list[FaceRead]:
        """See `ports.FaceReader`."""
        with self._finding.turn():
            found = sorted(self._finder.read([picture])[0], key=_area, reverse=True)
        points, aligned = list[NDArray[np.float32]](), list[Picture]()
        vectors = np.empty((len(found), self.dimension), np.float32)
        for at in range(0, len(found), TURN_FACES):
            with self._recognising.turn():
                points += [self._points(picture, one) for one in found[at : at + TURN_FACES]]
                aligned += [upright(picture, one) for one in points[at:]]
                vectors[at : at + TURN_FACES] = self._embedder.embed(aligned[at:])
        several = any(_is_company(one, found[0]) for one in found[1:])
        return [_face(picture, *parts, several=several) for parts in zip(found, points, aligned, vectors, strict=True)]

    def embed(self, aligned: Sequence[Picture]) -> NDArray[np.float32]:
        """See `ports.FaceReader`."""
        vectors = np.empty((len(aligned), self.dimension), np.float32)
        for at in range(0, len(aligned), TURN_FACES):
            with self._recognising.turn():
                vectors[at : at + TURN_FACES] = self._embedder.embed(aligned[at : at + TURN_FACES])
        return vectors

    def _points(self, picture: Picture, found: Found) -> NDArray[np.float32]:
        """Give exact landmarks; under a mask those of both networks count, because each guesses what it cannot see."""
        rough = _reading(found).landmarks
        exact = self._landmarks.exact(picture, rough)
        return np.asarray((rough + exact) / 2, np.float32) if _is_covered(found) else exact


def open_reader(
    weights_dir: Path, *, card: Card = SFACE_CARD, folder: Path | None = None, device: Device = "auto", threads: int = 1
) -> Reader:
    """Load the networks.

    Args:
        weights_dir: folder with the fetched networks.
        card: the embedding model; `models.card.find_card` gives it and its folder.
        folder: where the card's network lies; None: in `weights_dir`.
        device: `cuda` runs our own networks and SFace through torch on the GPU; `auto` where torch sees one.
        threads: CPU threads of a run.

    Raises:
        ArtifactError: a network is missing or cannot be loaded.
    """
    yunet = _there(weights_dir / weights.FACE_LANDMARKS)
    embedding = _there((folder or weights_dir) / card.file)
    on_gpu = device == "cuda" or (device == "auto" and networks.has_cuda())
    try:
        session = _on_gpu(embedding) if on_gpu and card == SFACE_CARD else _on_cpu(embedding, threads)
        embedder = FaceEmbedder(session, card)
        embedder.embed([np.zeros((UPRIGHT_PX, UPRIGHT_PX, 3), np.uint8)])  # what it cannot do it says now
    except ValueError as error:
        raise ArtifactError(f"embedding model {card.name}: {error}") from error
    finder = networks.mask_reader(device="cuda" if on_gpu else "cpu", threads=threads, tuning=FOR_ANY_PICTURE)
    return Reader(card, finder, Landmarks(OpenVinoSession(yunet, threads, fixed_shapes=len(WINDOWS))), embedder)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise ArtifactError(f"{path.name}: not in {path.parent}; `xunshi models fetch` brings what the project lists")
    return path


def _on_cpu(path: Path, threads: int) -> Session:
    return OpenVinoPackSession(path, "onnx", threads, shape=(-1, 3, UPRIGHT_PX, UPRIGHT_PX))


def _on_gpu(path: Path) -> Session:
    from face_search.sessions.sface_network import SFaceNetwork
    from shared_kernel.vision.sessions.torch import TorchSession

    return TorchSession(SFaceNetwork().take(constants(path)), None, "cuda")


def _face(
    picture: Picture,
    found: Found,
    points: NDArray[np.float32],
    aligned: Picture,
    vector: NDArray[np.float32],
    *,
    several: bool,
) -> FaceRead:
    reading, covered = _reading(found), _is_covered(found)
    return FaceRead(
        box=found.box,
        score=reading.score,
        aligned=aligned,
        crop=portrait(picture, found.box, MARGIN, PORTRAIT_PX),
        vector=vector,
        quality=quality.judge(aligned, points, covered=covered, several=several),
        mask_state=reading.state,
        covered=covered,
    )


def _reading(found: Found) -> FaceReading:
    if found.face is None:
        raise ValueError(f"found {found.label!r}: expected a face")
    return found.face


def _is_covered(found: Found) -> bool:
    """A mask that is worn wrongly mostly still hides the mouth; the one on the chin cannot be told from it."""
    return _reading(found).state is not MaskState.WITHOUT_MASK


def _is_company(one: Found, largest: Found) -> bool:
    return _reading(one).score >= COMPANY_SCORE and _area(one) >= COMPANY * _area(largest)


def _area(found: Found) -> float:
    x0, y0, x1, y1 = found.box
    return max(0.0, x1 - x0) * max(0.0, y1 - y0)
