"""Two detectors of others look at the places that nobody labelled: where both see a face there is one.

Labelled pictures lack faces (small, turned, cut off), and what one detector sees there is right in three of four
places: the rest are hands, lamps, posters. The second one takes seven times as long and was trained by others on the
same public pictures (WIDER FACE), so it makes other mistakes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import openvino
from numpy.typing import NDArray

from shared_kernel.vision.models.overlap import keep_distinct
from shared_kernel.vision.models.resize import resized
from shared_kernel.vision.models.yunet import AREA_PX, FaceDetector
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import DetectedFace
from shared_kernel.vision.sessions.openvino import OpenVinoSession

#: Pixels to which a picture is brought when YuNet searches it.
SEARCH_AREAS_PX = (AREA_PX, 630_000)

#: The same for CenterFace; its grid is fine enough for small faces at once.
CENTRE_AREA_PX = 500_000

#: Score from which YuNet's face, or CenterFace's, is an opinion; and from which CenterFace's counts alone.
YUNET_SCORE, CENTRE_SCORE, CENTRE_ALONE = 0.5, 0.15, 0.5

#: Two boxes that overlap less are of different faces.
MIN_MATCH = 0.35

#: How sure the network should be of a face that only CenterFace is sure of, against one that both see.
ALONE_TRUST = 0.6

#: CenterFace misses smaller faces than this, so its silence says nothing about them.
SILENT_PX = 20.0

#: YuNet draws boxes from the hairline to the lips of a mask; people who label faces draw them from the brows to the
#: chin. Both edges go down by these shares of the height: on each of four sources of labels the overlap grows by it.
TOP_DOWN, BOTTOM_DOWN = 0.09, 0.05

#: CenterFace's grid, and the largest enlargement of a picture for it.
_STRIDE_PX, _SIDE_STEP_PX, _MAX_ENLARGED, _MAX_FACES = 4, 32, 1.65, 300


class Teachers(NamedTuple):
    """Files of the two networks: YuNet 2023mar and CenterFace, both ONNX."""

    yunet: Path
    centerface: Path


@dataclass(frozen=True)
class Seen:
    """What the two see in a picture.

    Attributes:
        faces: with landmarks, boxes as people draw them.
        trust: for each, how sure the network should be of it, 0..1.
        doubtful: K x 4 float32, places that only one of them takes for a face, and it may be right.
    """

    faces: list[DetectedFace]
    trust: list[float]
    doubtful: NDArray[np.float32]


class Onlookers:
    """The two detectors together."""

    def __init__(self, files: Teachers) -> None:
        session = OpenVinoSession(files.yunet, threads=1)
        self._yunets = [FaceDetector(session, YUNET_SCORE, area) for area in SEARCH_AREAS_PX]
        self._centre = CenterFace(files.centerface)

    def look(self, picture: Picture) -> Seen:
        """Search a picture, H x W x 3 uint8 blue-green-red."""
        known: list[DetectedFace] = []
        for detector in self._yunets:
            known += [f for f in map(_as_people_draw, detector.detect(picture)) if not _meets(f, known)]
        return agreed(known, self._centre.detect(picture))


def agreed(yunet: Sequence[DetectedFace], centre: Sequence[DetectedFace]) -> Seen:
    """Put the opinions together: both, or a sure CenterFace, make a face; YuNet alone makes a doubt or nothing."""
    faces, trust, doubtful = [], [], []
    for face in yunet:
        if _meets(face, centre):
            faces.append(face)
            trust.append(1.0)
        elif _side_px(face) < SILENT_PX:
            doubtful.append(face.box)
    for face in centre:
        if _meets(face, yunet):
            continue
        if face.score >= CENTRE_ALONE:
            faces.append(face)
            trust.append(ALONE_TRUST)
        else:
            doubtful.append(face.box)
    return Seen(faces, trust, np.array(doubtful, np.float32).reshape(-1, 4))


class CenterFace:
    """CenterFace (MIT; Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019)."""

    def __init__(self, path: Path) -> None:
        core = openvino.Core()
        network = core.read_model(path)
        network.reshape([1, 3, -1, -1])
        options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False}
        self._network: Any = core.compile_model(network, "CPU", options)

    def detect(self, picture: Picture) -> list[DetectedFace]:
        """Find the faces of a picture, H x W x 3 uint8 blue-green-red; best first, in its pixels."""
        height, width = picture.shape[:2]
        scale = min((CENTRE_AREA_PX / (height * width)) ** 0.5, _MAX_ENLARGED)
        sides = [max(_SIDE_STEP_PX, round(side * scale / _SIDE_STEP_PX) * _SIDE_STEP_PX) for side in (width, height)]
        red_first = resized(picture, sides[0], sides[1])[:, :, ::-1].transpose(2, 0, 1)
        heat, size, offset, points = (part[0] for part in self._network(red_first[None].astype(np.float32)).values())
        rows, columns = np.nonzero(heat[0] >= CENTRE_SCORE)
        scores = heat[0, rows, columns]
        extent = np.exp(size[::-1, rows, columns].T) * _STRIDE_PX
        middle = (np.stack([columns, rows], axis=1) + offset[::-1, rows, columns].T + 0.5) * _STRIDE_PX
        boxes = np.concatenate([middle - extent / 2, middle + extent / 2], axis=1).astype(np.float32)
        marks = points[:, rows, columns].T.reshape(-1, 5, 2)[..., ::-1] * extent[:, None] + boxes[:, None, :2]
        back = np.array([width / sides[0], height / sides[1]], np.float32)
        return [
            DetectedFace(tuple(boxes[i] * np.tile(back, 2)), (marks[i] * back).astype(np.float32), float(scores[i]))
            for i in keep_distinct(boxes, scores, MIN_MATCH, _MAX_FACES)
        ]


def overlaps(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the intersection over union of N x 4 and M x 4 boxes, N x M."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(b[:, 2:] - b[:, :2], 0, None).prod(axis=1) for b in (first, second)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-6), dtype=np.float32)


def _meets(face: DetectedFace, others: Sequence[DetectedFace]) -> bool:
    boxes = np.array([other.box for other in others], np.float32).reshape(-1, 4)
    return bool((overlaps(np.array([face.box], np.float32), boxes) >= MIN_MATCH).any())


def _as_people_draw(face: DetectedFace) -> DetectedFace:
    x0, y0, x1, y1 = face.box
    return replace(face, box=(x0, y0 + TOP_DOWN * (y1 - y0), x1, y1 + BOTTOM_DOWN * (y1 - y0)))


def _side_px(face: DetectedFace) -> float:
    x0, y0, x1, y1 = face.box
    return float(max((x1 - x0) * (y1 - y0), 0.0) ** 0.5)
