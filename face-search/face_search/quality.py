"""How good a face is for recognition: a score and what is wrong with it, from its pixels and landmarks. Pure.

The score is that of the worst part, so it is below GOOD exactly when a reason is named that lowers it. A covered face
and company in the picture are named without lowering the score: the first is compared by its own threshold, the second
is only wrong where one person is enrolled. Figures behind the limits: MODEL.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from face_search.ports import Picture, Quality, QualityReason

#: Faces from this score on are good enough to be compared with others for good (samples).
GOOD: Final = 0.5

#: Values where a part scores 0 and 1; half way lies GOOD.
#: Distance of the eyes, pixels of the picture: 16 is a face 40 px wide.
_EYES_PX: Final = (6.0, 26.0)
#: Fine detail as a share of all contrast, in the direction that has less of it.
_DETAIL: Final = (0.04, 0.14)
#: How far the nose lies beside the middle of the face, in distances of the eyes: 0.28 is about 35 degrees.
_ASIDE: Final = (0.44, 0.12)
#: Where the nose lies between eyes (0) and mouth (1): looking up, looking down.
_UP: Final = (0.22, 0.42)
_DOWN: Final = (0.90, 0.70)
#: Mean brightness of the face, 0..255.
_DARK: Final = (15.0, 65.0)
_BRIGHT: Final = (250.0, 190.0)
#: Share of the face that is white without any drawing.
_BLOWN: Final = (0.50, 0.10)

#: The inner face of an upright face: rows and columns.
_INNER: Final = (slice(28, 104), slice(22, 90))
#: As white as pixels get.
_WHITE: Final = 250
#: Detail is what a blur of this size takes away, pixels of an upright face.
_FINE_PX: Final = 2.0
#: A face turned aside has its eyes close together: they count as at least this share of the way to the mouth apart.
_LEAST_EYES: Final = 0.85


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a quality, each 0..1; below GOOD it is a reason."""

    too_small: float
    blurred: float
    turned: float
    dark: float
    bright: float


def judge(aligned: Picture, landmarks: NDArray[np.float32], *, covered: bool, several: bool) -> Quality:
    """Judge a face.

    Args:
        aligned: 112 x 112 x 3 uint8, blue-green-red, upright.
        landmarks: 5 x 2 float32, in pixels of the picture that the face was found in.
        covered: mouth or nose cannot be seen.
        several: other faces in the picture could be meant as well.
    """
    parts = examine(aligned, landmarks)
    named = sorted((score, reason) for reason, score in _scores(parts).items() if score < GOOD)
    reasons = [reason for _, reason in named]
    if covered:
        reasons.append(QualityReason.COVERED)
    if several:
        reasons.append(QualityReason.SEVERAL_FACES)
    return Quality(min(_scores(parts).values()), tuple(reasons))


def examine(aligned: Picture, landmarks: NDArray[np.float32]) -> Parts:
    """Score each part; see `judge` for the arguments."""
    grey = np.asarray(cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY)[_INNER], np.uint8)
    brightness = float(grey.mean())
    aside, height = _turns(landmarks)
    return Parts(
        too_small=_between(float(np.linalg.norm(landmarks[1] - landmarks[0])) / _foreshortened(landmarks), *_EYES_PX),
        blurred=_between(_detail(grey), *_DETAIL),
        turned=min(_between(aside, *_ASIDE), _between(height, *_UP), _between(height, *_DOWN)),
        dark=_between(brightness, *_DARK),
        bright=min(_between(brightness, *_BRIGHT), _between(float((grey >= _WHITE).mean()), *_BLOWN)),
    )


def _scores(parts: Parts) -> dict[QualityReason, float]:
    return {
        QualityReason.TOO_SMALL: parts.too_small,
        QualityReason.BLURRED: parts.blurred,
        QualityReason.TURNED: parts.turned,
        QualityReason.DARK: parts.dark,
        QualityReason.BRIGHT: parts.bright,
    }


def _between(value: float, none: float, full: float) -> float:
    """Give 0 at `none` and beyond, 1 at `full` and beyond, a straight line between."""
    return float(np.clip((value - none) / (full - none), 0.0, 1.0))


def _detail(grey: NDArray[np.uint8]) -> float:
    """Measure sharpness across and down, and take the lesser: a face that moved is sharp in one direction."""
    values = grey.astype(np.float32)
    contrast = max(float(values.std()), 1.0)
    across = values - cv2.GaussianBlur(values, (0, 1), sigmaX=_FINE_PX, sigmaY=1e-6)
    down = values - cv2.GaussianBlur(values, (1, 0), sigmaX=1e-6, sigmaY=_FINE_PX)
    return min(float(across.std()), float(down.std())) / contrast


def _axes(landmarks: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give the nose as seen from the eyes' middle, the direction of the eyes, and the way to the mouth."""
    points = landmarks.astype(np.float64)
    eyes = points[:2].mean(axis=0)
    along = points[1] - points[0]
    along /= max(float(np.linalg.norm(along)), 1e-6)
    return points[2] - eyes, along, points[3:].mean(axis=0) - eyes


def _foreshortened(landmarks: NDArray[np.float32]) -> float:
    """Tell how much closer together the eyes look than they are: 1 from the front, less from the side."""
    _, _, down = _axes(landmarks)
    apart = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    return apart / max(apart, _LEAST_EYES * float(np.linalg.norm(down)), 1e-6) if apart else 1.0


def _turns(landmarks: NDArray[np.float32]) -> tuple[float, float]:
    """Tell how far the nose lies beside the middle line, and where between eyes and mouth."""
    nose, along, down = _axes(landmarks)
    length = max(float(np.linalg.norm(down)), 1e-6)
    apart = max(float(np.linalg.norm(landmarks[1] - landmarks[0])), _LEAST_EYES * length)
    height = float(nose @ down) / length**2
    aside = abs(float((nose - height * down) @ along)) / apart
    return aside, height
