"""What counts as a face, which states a mask has, how much a picture hurries. Pure values, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from shared_kernel.messages import MaskState

#: Order of the mask state network's outputs.
MASK_STATES: tuple[MaskState, ...] = (
    MaskState.WITH_MASK,
    MaskState.WITHOUT_MASK,
    MaskState.MASK_WORN_INCORRECTLY,
)

#: How much a picture hurries: a person waits, a stream goes on, or it is work for the night.
Urgency = Literal["interactive", "live", "job"]

#: A picture is due this long after it came, seconds. What is due first is read first: the order between the urgencies,
#: and the reason why nobody starves, because whatever waited for long enough is due before anything new.
BUDGET_S: Final[Mapping[Urgency, float]] = {"interactive": 0.3, "live": 0.6, "job": 5.0}

#: A stranger's file that is not decoded after this is given up, seconds; of a live picture nobody waits as long.
DECODE_LIMIT_S: Final[Mapping[Urgency, float]] = {"interactive": 30.0, "live": 5.0, "job": 30.0}

#: A face below this detector score (0..1) is not reported.
MIN_FACE_SCORE = 0.55

#: Boxes of one picture that overlap more than this (intersection over union) are one face; the best score stays.
MAX_FACE_OVERLAP = 0.4

#: No picture is reported with more faces than this; the best scores stay.
MAX_FACES = 500


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A face as the detector gives it.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the picture; may reach beyond its edges.
        landmarks: 5 x 2 float32 pixels: right eye, left eye, nose, right and left corner of the mouth. Right and
            left are the person's own, so the right eye is on the left in the picture.
        score: 0..1, how sure the detector is that this is a face.
    """

    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float32]
    score: float


@dataclass(frozen=True, slots=True)
class FaceReading:
    """What a model of the task `state` knows of a face beyond label, score and box.

    Attributes:
        score: 0..1, how sure the detector is that this is a face.
        state: the likeliest state.
        state_score: 0..1, probability of that state if it is a face.
        landmarks: 5 x 2 float32 pixels of the picture; their order stands in `DetectedFace`.
        shares: probability of each state in the order MASK_STATES, together 1; empty where a model knows only the best.
    """

    score: float
    state: MaskState
    state_score: float
    landmarks: NDArray[np.float32]
    shares: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a model found in a picture.

    Attributes:
        label: name of one of the model's labels.
        score: 0..1, how sure the model is; of a face in a state the product of both of its scores.
        box: x0, y0, x1, y1 in pixels of the picture; may reach beyond its edges. A classifier gives the whole picture.
        face: with models of the task `state` only.
    """

    label: str
    score: float
    box: tuple[float, float, float, float]
    face: FaceReading | None = None
