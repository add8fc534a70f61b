"""How well people are told apart: our reader on labelled pairs, beside OpenCV's own classes with the same weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from bench.faces import pairs
from bench.faces.opencv import OpenCvFaces
from bench.faces.protocol import Scores, accuracy, threshold_at, true_accepts
from bench.figure import Figure
from face_search.ports import Picture
from face_search.quality import GOOD

#: Shares of strangers that are taken for one person; the pairs of the list are too few for the second.
FALSE_ACCEPTS: Final = (1e-3, 1e-4)

#: How pictures are spoilt for `quality`: shares of their sides that are left, blurs in pixels.
SHARES: Final = (0.4, 0.2, 0.12)
BLURS_PX: Final = (3.0, 6.0)

#: Shares of strangers for which the cosine is told: the points of `face_search.thresholds`.
CURVE: Final = (0.5, 0.1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5)


def lfw(folder: Path) -> Iterator[Figure]:
    """Both faces bare."""
    ours, theirs = pairs.vectors(pairs.bare(folder)), OpenCvFaces().vectors(pairs.load(folder).pictures)
    yield from _verified("lfw", folder, (ours, ours), (theirs, theirs))


def masked(folder: Path) -> Iterator[Figure]:
    """A mask is painted on the second face of each pair."""
    pictures, faces = pairs.worn(folder)
    yield Figure("masked, called covered", float(np.mean([face.covered for face in faces])), None, "share")
    ours, opencv = (pairs.vectors(pairs.bare(folder)), pairs.vectors(faces)), OpenCvFaces()
    theirs = opencv.vectors(pairs.load(folder).pictures), opencv.vectors(pictures)
    yield from _verified("masked", folder, ours, theirs)


def quality(folder: Path) -> Iterator[Figure]:
    """Does the quality know? Pairs whose second face was spoilt: those that are called good beside all of them."""
    loaded, plain = pairs.load(folder), pairs.vectors(pairs.bare(folder))
    scores, good = [], []
    for spoil in _spoiling():
        spoilt = [pairs.central_face(spoil(picture)) for picture in loaded.pictures]
        nothing = np.zeros(plain.shape[1], np.float32)
        scores.append(loaded.scores(plain, np.stack([nothing if face is None else face.vector for face in spoilt])))
        called = np.array([face is not None and face.quality.score >= GOOD for face in spoilt])
        good.append(called[loaded.second])
    every, chosen, same = np.concatenate(scores), np.concatenate(good), np.tile(loaded.same, len(scores))
    yield Figure("quality, spoilt faces called good", float(chosen.mean()), None, "share")
    least = FALSE_ACCEPTS[0]
    whole = true_accepts(every, same, least)
    for name, part in (("good ones", chosen), ("others", ~chosen)):
        value = true_accepts(every[part], same[part], least)
        yield Figure(f"quality, TAR at FAR {least:g} of {name}", value, whole, "share")


def curves(folder: Path) -> Iterator[Figure]:
    """The cosines that shares of strangers reach, open and with one face covered: what thresholds are made from."""
    plain = pairs.vectors(pairs.bare(folder))
    for name, other in (("open", plain), ("covered", pairs.vectors(pairs.worn(folder)[1]))):
        scores, same = pairs.load(folder).every(plain, other)
        strangers: Scores = scores[~same]
        for share in CURVE:
            yield Figure(f"curve {name}, strangers {share:g}", threshold_at(strangers, share), None, "cosine")


def _verified(
    name: str, folder: Path, ours: tuple[pairs.Vectors, pairs.Vectors], theirs: tuple[pairs.Vectors, pairs.Vectors]
) -> Iterator[Figure]:
    loaded = pairs.load(folder)
    mine, others = loaded.scores(*ours), loaded.scores(*theirs)
    yield Figure(f"{name}, accuracy", accuracy(mine, loaded.same), accuracy(others, loaded.same), "share")
    least = FALSE_ACCEPTS[0]
    values = [true_accepts(scores, loaded.same, least) for scores in (mine, others)]
    yield Figure(f"{name}, TAR at FAR {least:g}", values[0], values[1], "share")
    (mine, same), (others, _) = loaded.every(*ours), loaded.every(*theirs)
    for share in FALSE_ACCEPTS:
        values = [true_accepts(scores, same, share) for scores in (mine, others)]
        yield Figure(f"{name}, TAR at FAR {share:g}, all with all", values[0], values[1], "share")


def _spoiling() -> Iterator[Callable[[Picture], Picture]]:
    for share in SHARES:
        yield partial(_small, share=share)
    for sigma_px in BLURS_PX:
        yield partial(_blurred, sigma_px=sigma_px)


def _small(picture: Picture, share: float) -> Picture:
    return np.asarray(cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8)


def _blurred(picture: Picture, sigma_px: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.uint8)
