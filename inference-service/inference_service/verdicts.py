"""What a model found, in pixels of the picture, as messages say it: in fractions, cut off at the picture's edges."""

from collections.abc import Sequence

from shared_kernel.messages import Box, Face, FoundObject
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import Found


def as_faces(found: Sequence[Found], picture: Picture) -> tuple[Face, ...]:
    """Give the faces among what was found."""
    height, width = picture.shape[:2]
    return tuple(
        Face(
            box=_box(one, width, height),
            score=min(1.0, one.face.score),
            state=one.face.state,
            state_score=min(1.0, one.face.state_score),
            landmarks=tuple((float(x) / width, float(y) / height) for x, y in one.face.landmarks),
        )
        for one in found
        if one.face is not None
    )


def as_objects(found: Sequence[Found], picture: Picture) -> tuple[FoundObject, ...]:
    """Give all that was found."""
    height, width = picture.shape[:2]
    return tuple(FoundObject(label=one.label, score=_within(one.score), box=_box(one, width, height)) for one in found)


def _box(one: Found, width: int, height: int) -> Box:
    x0, y0, x1, y1 = one.box
    return Box(x0=_within(x0 / width), y0=_within(y0 / height), x1=_within(x1 / width), y1=_within(y1 / height))


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
