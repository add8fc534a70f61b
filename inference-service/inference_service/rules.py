"""The rules of this service: what counts as stale, which limits hold. Pure values, no I/O."""

#: What a user needs for everything that analyses pictures.
PERMISSION = "photo.detect"

#: A worker that died over a photo this often is not asked again: the photo is answered with an error.
MAX_PHOTO_TRIES = 2


def is_stale(captured_age_ms: float, max_age_ms: float) -> bool:
    """Tell whether a frame is too old to be worth the work: the camera has long shown something else."""
    return captured_age_ms > max_age_ms


def annotated_key(photo_key: str) -> str:
    """Give the object key under which a worker puts a photo with its boxes: beside the photo."""
    return f"{photo_key}.annotated.jpg"
