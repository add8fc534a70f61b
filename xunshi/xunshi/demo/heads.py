"""Cuts a subject's head out of its picture. Pictures in, heads out; `masks` and `headwear` then dress them.

A head is a layer 600 × 720 px; 1500 px are a metre, as the distance from eyes to mouth is about 7.3 cm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from xunshi.demo.drawing import Layer, Picture, blurred, filled, noise, smooth, unit
from xunshi.demo.subjects import SUBJECTS, Point, Subject

WIDTH_PX, HEIGHT_PX = 600, 720
PX_PER_M = 1500.0
_EYES = np.array([300.0, 300.0])
_EYE_TO_MOUTH_PX = 110.0
#: a and b of Lab of an average face in daylight, and its lightness.
_SKIN_AB, _SKIN_L = np.array([143.0, 149.0], dtype=np.float32), 168.0


@dataclass(frozen=True)
class Head:
    """A head ready to be put on shoulders.

    Attributes:
        layer: the picture.
        landmarks: 5 × 2, eyes, nose tip, mouth corners, left to right as seen.
        box: x0 y0 x1 y1 of the face.
        jaw: 5 × 2, cheek, jaw, chin, jaw, cheek.
        skin: mean colour, BGR 0..255.
        hair: mean colour, BGR 0..255.
    """

    layer: Layer
    landmarks: NDArray[np.float32]
    box: tuple[float, float, float, float]
    jaw: NDArray[np.float32]
    skin: tuple[float, float, float]
    hair: tuple[float, float, float]

    def with_layer(self, changed: Layer) -> Head:
        return replace(self, layer=changed)


def cut(name: str, samples_dir: Path) -> Head:
    """The head of a subject.

    Raises:
        FileNotFoundError: its picture is not in the samples folder.
        KeyError: no such subject.
    """
    subject = SUBJECTS[name]
    turn = _alignment(subject)
    picture = cv2.warpAffine(
        _read(samples_dir / subject.file, subject.frame),
        turn,
        (WIDTH_PX, HEIGHT_PX),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    coverage = filled((HEIGHT_PX, WIDTH_PX), smooth(subject.outline), feather_px=2.2)
    coverage = np.clip(coverage * 1.5 - 0.5, 0, 1)  # pull the edge inwards, away from the old background
    lit = _in_daylight(unit(picture), subject)
    lit = np.clip(lit + 0.008 * noise((HEIGHT_PX, WIDTH_PX), 5, 1.0)[..., None], 0, 1)
    rim = blurred(coverage, 9.0)  # the side of a head turns away from the light
    lit = lit * (0.72 + 0.28 * np.clip(rim * 1.6 - 0.6, 0, 1))[..., None]
    return Head(
        layer=np.dstack([lit * coverage[..., None], coverage]).astype(np.float32),
        landmarks=_moved(subject.landmarks, turn),
        box=_moved_box(subject.box, turn),
        jaw=np.array(subject.jaw, dtype=np.float32),
        skin=_mean_colour(lit, _EYES + np.array([0, 60]), 40),
        hair=_mean_colour(lit, np.array([300.0, float(min(y for _, y in subject.outline)) + 30]), 18),
    )


def _read(path: Path, frame: int) -> NDArray[np.uint8]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a sample picture; fetch the samples first")
    if path.suffix != ".mp4":
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            raise FileNotFoundError(f"{path}: expected a picture, got something else")
        return picture.astype(np.uint8)
    with av.open(str(path)) as video:
        for index, decoded in enumerate(video.decode(video=0)):
            if index == frame:
                return decoded.to_ndarray(format="bgr24").astype(np.uint8)
    raise FileNotFoundError(f"{path}: expected frame {frame}, the video is shorter")


def _alignment(subject: Subject) -> NDArray[np.float64]:
    """2 × 3 matrix from the picture to the frame of the outlines."""
    left, right, _, mouth_left, mouth_right = (np.array(point, dtype=np.float64) for point in subject.landmarks)
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    angle_deg = float(np.degrees(np.arctan2(*(right - left)[::-1])))
    scale = _EYE_TO_MOUTH_PX / float(np.linalg.norm(mouth - eyes))
    turn = cv2.getRotationMatrix2D((float(eyes[0]), float(eyes[1])), angle_deg, scale).astype(np.float64)
    turn[:, 2] += _EYES - eyes
    return turn


def _moved(points: tuple[Point, ...], turn: NDArray[np.float64]) -> NDArray[np.float32]:
    return (np.array(points) @ turn[:, :2].T + turn[:, 2]).astype(np.float32)


def _moved_box(box: tuple[float, float, float, float], turn: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """The box keeps its size and moves with its centre: detectors draw upright boxes whatever the head's roll."""
    x, y, width, height = box
    scale = float(np.hypot(turn[0, 0], turn[0, 1]))
    ((centre_x, centre_y),) = _moved(((x + width / 2, y + height / 2),), turn).tolist()
    half_width, half_height = width * scale / 2, height * scale / 2
    return centre_x - half_width, centre_y - half_height, centre_x + half_width, centre_y + half_height


def _in_daylight(picture: Picture, subject: Subject) -> Picture:
    """Pictures were taken in all kinds of light; move each towards one."""
    lab = cv2.cvtColor((picture * 255).astype(np.uint8), cv2.COLOR_BGR2LAB).astype(np.float32)
    face = lab[300:440, 240:370].reshape(-1, 3).mean(axis=0)
    lab[..., 1:] += (subject.skin * (_SKIN_AB - face[1:])).astype(np.float32)
    lab[..., 0] *= 1 + subject.skin * (_SKIN_L / face[0] - 1)
    blue = np.clip(_SKIN_AB[1] - 12 - lab[..., 2], 0, None)  # light of a coloured lamp on a cheek
    lab[..., 2] += subject.skin * blue
    day = cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_LAB2BGR)
    return unit(day)


def _mean_colour(picture: Picture, centre: NDArray[np.float64], half_px: int) -> tuple[float, float, float]:
    x, y = int(centre[0]), int(centre[1])
    mean = picture[max(0, y - half_px) : y + half_px, x - half_px : x + half_px].reshape(-1, 3).mean(axis=0) * 255
    return float(mean[0]), float(mean[1]), float(mean[2])
