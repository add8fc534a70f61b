"""Pictures on disk in, verdicts out, as a stream: what `xunshi detect` prints. Needs no server and no bus."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from inference_service import bootstrap
from inference_service.packs.shelf import Shelf
from inference_service.ports import Model
from shared_kernel.vision import networks
from shared_kernel.vision.pictures import SUFFIXES, Decoded, UnreadablePicture, read_to_fit
from shared_kernel.vision.rules import FaceReading, Found

#: The model that is asked when none is named.
DEFAULT_MODEL: Final = "mask"

#: Its least score, as its pack says: a little below the score of the best F1 (0.48 on validation), because a face that
#: is missed is worse than one that is shown with doubt.
DEFAULT_MIN_SCORE: Final = 0.45

#: A JPEG is decoded straight to 1/2, 1/4 or 1/8 of its size where its longer side keeps this many pixels: more than
#: the detector reads, so that faces are cut out finely.
FIT_PX: Final = 900

#: Pictures read ahead of the network, in batches.
_BATCHES_AHEAD: Final = 2


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """Something that was found.

    Attributes:
        label: name of a label of the model; of a face its state, as on the wire.
        score: 0..1, how sure the model is; of a face in a state the product of both scores of `face`.
        box: x0, y0, x1, y1 in pixels of the picture, within its edges.
        face: both scores and the landmarks, with models of the task `state`.
    """

    label: str
    score: float
    box: tuple[float, float, float, float]
    face: FaceReading | None = None


@dataclass(frozen=True, slots=True)
class PictureRead:
    """The verdict on one file; `width` and `height` are those of the upright picture."""

    path: Path
    width: int
    height: int
    boxes: tuple[LabelledBox, ...]


@dataclass(frozen=True, slots=True)
class PictureFailed:
    """A file that gave no verdict. `code` is one of `UnreadablePicture`'s, or `unreadable_file`."""

    path: Path
    code: str
    detail: str


def detect_paths(
    paths: Iterable[Path],
    *,
    weights_dir: Path,
    packs_dir: Path | None = None,
    model: str = DEFAULT_MODEL,
    version: str | None = None,
    min_score: float | None = None,
    threads: int = 1,
    batch: int = 8,
    device: networks.Device = "auto",
) -> Iterator[PictureRead | PictureFailed]:
    """Read pictures and judge them, in the order of `paths`, each result as soon as its batch is done.

    Args:
        paths: files, and folders that are searched for pictures, with their subfolders, by name.
        weights_dir: folder with the fetched networks.
        packs_dir: folder with own model packs; None when there is none.
        model: name of a model pack.
        version: of the model; None takes the newest.
        min_score: boxes below are left out, 0..1; None takes what the model's pack says.
        threads: CPU threads of the network; as many more decode ahead.
        batch: pictures that are judged together.
        device: see `networks.mask_reader`.

    Raises:
        NotFound: there is no such model.
        ArtifactError: a network is missing.
    """
    card = Shelf(packs_dir, weights_dir).find(model, version)
    least = min_score if min_score is not None or card.manifest is None else card.manifest.min_score
    reader = bootstrap.open_card(card, device=device, threads=threads, min_score=least)
    return detect(files_of(paths), reader, min_score=least or 0.0, threads=threads, batch=batch)


def detect(
    files: Iterable[Path], reader: Model, *, min_score: float, threads: int = 1, batch: int = 8
) -> Iterator[PictureRead | PictureFailed]:
    """Judge files with a reader that is there already; see `detect_paths`."""
    with ThreadPoolExecutor(max_workers=max(1, threads), thread_name_prefix="decode") as pool:
        waiting: deque[Future[Decoded | PictureFailed]] = deque()
        names: deque[Path] = deque()
        for path in files:
            names.append(path)
            waiting.append(pool.submit(_read, path))
            if len(waiting) >= batch * (1 + _BATCHES_AHEAD):
                yield from _judge(_taken(names, waiting, batch), reader, min_score)
        while waiting:
            yield from _judge(_taken(names, waiting, batch), reader, min_score)


def files_of(paths: Iterable[Path]) -> Iterator[Path]:
    """Give files as they are and the pictures of folders, sorted by path."""
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        else:
            yield path


def _read(path: Path) -> Decoded | PictureFailed:
    try:
        return read_to_fit(path, FIT_PX)
    except UnreadablePicture as error:
        return PictureFailed(path, error.code, error.detail)
    except OSError as error:
        return PictureFailed(path, "unreadable_file", error.strerror or str(error))


def _taken(
    names: deque[Path], waiting: deque[Future[Decoded | PictureFailed]], count: int
) -> list[tuple[Path, Decoded | PictureFailed]]:
    return [(names.popleft(), waiting.popleft().result()) for _ in range(min(count, len(waiting)))]


def _judge(
    batch: Sequence[tuple[Path, Decoded | PictureFailed]], reader: Model, min_score: float
) -> Iterator[PictureRead | PictureFailed]:
    found = iter(reader.read([decoded.picture for _, decoded in batch if isinstance(decoded, Decoded)]))
    for path, decoded in batch:
        if isinstance(decoded, PictureFailed):
            yield decoded
            continue
        boxes = tuple(_boxed(one, decoded) for one in next(found) if one.score >= min_score)
        yield PictureRead(path, decoded.width, decoded.height, boxes)


def _boxed(found: Found, decoded: Decoded) -> LabelledBox:
    width, height = float(decoded.width), float(decoded.height)
    across, down = width / decoded.picture.shape[1], height / decoded.picture.shape[0]
    x0, y0, x1, y1 = found.box
    box = max(0.0, x0 * across), max(0.0, y0 * down), min(width, x1 * across), min(height, y1 * down)
    face = found.face and replace(found.face, landmarks=found.face.landmarks * np.array([across, down], np.float32))
    return LabelledBox(found.label, found.score, box, face)
