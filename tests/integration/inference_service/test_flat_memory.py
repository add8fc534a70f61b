"""The short form of `bench.frames`: what a frame took is given back when it is done."""

from __future__ import annotations

from collections.abc import Sequence

from bench.frames import Canned, fed
from inference_service.ports import Model
from shared_kernel.vision.models.mask_reader import MaskReader
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import Found

#: Frames of 600 kB on average came and went: keeping one in fifty would show.
MAX_GROWTH_BYTES = 12 * 1024 * 1024


def growth(model: Model, frames: int = 2000, warm_up: int = 800) -> int:
    """Resident memory gained after the warm-up: the least of the last samples over the most of the first.

    After the warm-up caches and compiled shapes are complete.
    """
    memory = fed(model, warm_up + frames, samples=100)
    late = [moment.resident for moment in memory if moment.frames >= warm_up]
    return min(late[-5:]) - max(late[:5])


class Hoarder(Canned):
    """Keeps one picture in fifty."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[Picture] = []
        self._seen = 0

    def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
        for picture in pictures:
            self._seen += 1
            if self._seen % 50 == 0:
                self._kept.append(picture.copy())
        return super().read(pictures)


def test_the_story_keeps_nothing_of_two_thousand_frames() -> None:
    assert growth(Canned()) < MAX_GROWTH_BYTES


def test_the_networks_keep_nothing_of_the_frames(reader: MaskReader) -> None:
    # The second look sees few faces, so its memory settles late.
    assert growth(reader, frames=600, warm_up=1000) < MAX_GROWTH_BYTES


def test_a_model_that_keeps_pictures_is_found_out() -> None:
    assert growth(Hoarder()) > MAX_GROWTH_BYTES
