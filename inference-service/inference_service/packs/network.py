"""A pack that runs: picture in by `prepare`, through a session, out by the decoder of its kind, doubles taken out."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference_service.decoders import classifier, picodet, ssd, yolov5, yolov8, yolox, yunet
from inference_service.decoders.candidates import Candidates, distinct
from inference_service.packs.batch import takes_batches
from inference_service.packs.manifest import (
    ClassifierDecode,
    Input,
    Manifest,
    MaskDecode,
    SsdDecode,
    YoloxDecode,
)
from inference_service.packs.prepare import Placed, place
from shared_kernel.vision.models.batch import run_in_batches
from shared_kernel.vision.ports import Picture, Session
from shared_kernel.vision.rules import Found

_Outputs = Sequence[NDArray[np.float32]]
_Decoder = Callable[[_Outputs, tuple[int, int], float], Candidates]

#: Height and width of the pictures with which a network is tried for batches, pixels.
_TRIAL_PX: Final = (240, 320)


class PackModel:
    """A `Model` of a pack with one network. Threads may share one; they take turns."""

    def __init__(self, manifest: Manifest, session: Session, min_score: float | None = None) -> None:
        """Take a ready session.

        Args:
            manifest: of the pack; not of kind `mask`.
            session: its network; takes what `prepare.place` makes.
            min_score: least score, 0..1; None takes the manifest's.
        """
        if manifest.input is None:
            raise ValueError(f"pack {manifest.name}: expected input, got none")
        self._manifest = manifest
        self._input: Input = manifest.input
        self._session = session
        self._min_score = manifest.min_score if min_score is None else min_score
        self._decode = _decoder(manifest)
        self._turn = Lock()
        self._takes_batches = takes_batches(session, *self._trial_inputs())

    def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
        """See `inference_service.ports.Model`.

        Raises:
            ValueError: the network does not take this input, or its outputs do not fit the manifest.
        """
        placed = [place(picture, self._input, self._manifest.normalise) for picture in pictures]
        inputs = [one.inputs for one in placed]
        with self._turn:
            if self._takes_batches:
                outputs = run_in_batches(self._session, inputs)
            else:
                outputs = [self._session.run(one) for one in inputs]
        return [self._found(*one) for one in zip(pictures, placed, outputs, strict=True)]

    def _found(self, picture: Picture, placed: Placed, outputs: _Outputs) -> list[Found]:
        names = [label.name for label in self._manifest.labels]
        # A foreign network may answer anything; what is no number is left out by the decoders.
        with np.errstate(all="ignore"):
            if isinstance(self._manifest.decode, ClassifierDecode):
                return self._labelled(classifier.decode(outputs, len(names), self._manifest.decode.activation), picture)
            found = distinct(
                self._decode(outputs, placed.size, self._min_score),
                self._manifest.thresholds.overlap,
                self._manifest.max_results,
            )
            boxes = placed.back(found.boxes)
        return [
            Found(names[label], float(score), (float(box[0]), float(box[1]), float(box[2]), float(box[3])))
            for box, score, label in zip(boxes, found.scores, found.labels, strict=True)
        ]

    def _trial_inputs(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        noise = np.random.default_rng(0).integers(0, 256, (2, *_TRIAL_PX, 3), np.uint8)
        first, second = (place(one, self._input, self._manifest.normalise).inputs for one in noise)
        return first, second

    def _labelled(self, shares: NDArray[np.float32], picture: Picture) -> list[Found]:
        height, width = picture.shape[:2]
        whole = 0.0, 0.0, float(width), float(height)
        best = np.argsort(-shares, kind="stable")[: self._manifest.max_results]
        return [
            Found(self._manifest.labels[index].name, float(shares[index]), whole)
            for index in best
            if shares[index] >= self._min_score
        ]


def _decoder(manifest: Manifest) -> _Decoder:
    labels, kind = len(manifest.labels), manifest.decode
    if isinstance(kind, YoloxDecode):
        return lambda outputs, size, score: yolox.decode(outputs, labels, score, size, in_pixels=kind.in_pixels)
    if isinstance(kind, SsdDecode):
        return _ssd(kind, labels)
    if isinstance(kind, ClassifierDecode | MaskDecode):
        return _no_boxes
    plain: dict[str, _Decoder] = {
        "yolov5": lambda outputs, _, score: yolov5.decode(outputs, labels, score),
        "yolov8": lambda outputs, _, score: yolov8.decode(outputs, labels, score),
        "yolo11": lambda outputs, _, score: yolov8.decode(outputs, labels, score),
        "picodet": lambda outputs, _, score: picodet.decode(outputs, labels, score),
        "yunet": lambda outputs, size, score: yunet.decode(outputs, score, size),
    }
    return plain[kind.kind]


def _ssd(kind: SsdDecode, labels: int) -> _Decoder:
    if kind.outputs == "detections":
        first = kind.first_label
        return lambda outputs, size, score: ssd.decode_detections(outputs, labels, score, size, first_label=first)
    priors = None
    if kind.priors is not None:
        fixed = ssd.Priors(kind.priors.grids, kind.priors.sizes, kind.priors.ratios, kind.priors.variances)
        priors = fixed.boxes(), fixed.variances
    return lambda outputs, size, score: ssd.decode_boxes(outputs, labels, score, size, priors)


def _no_boxes(outputs: _Outputs, size: tuple[int, int], score: float) -> Candidates:
    del outputs, size, score
    return Candidates(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp))
