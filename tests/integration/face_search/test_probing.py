"""A face far away in a large photo, found because somebody drew a box around it; with the real networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face_search.read_faces import Reader, open_reader
from face_search.web.probing import chosen_face
from shared_kernel.errors import Invalid
from tests.integration.face_search.faces import Picture, face_weights, man, portrait, samples, scaled

__all__ = ["face_weights", "man", "portrait", "samples"]  # fixtures

#: Where the small picture stands in the large one, pixels.
LEFT, TOP = 2400, 1300
WIDTH, HEIGHT = 3000, 2000


@pytest.fixture(scope="module")
def reader(face_weights: Path) -> Reader:
    return open_reader(face_weights, device="cpu")


def far_away(portrait: Picture, man: Picture) -> tuple[Picture, tuple[float, float, float, float]]:
    """A large photo with a man in front and the woman far behind, 11 px between the eyes; and her box."""
    photo = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    photo[100 : 100 + man.shape[0], 100 : 100 + man.shape[1]] = man
    small = scaled(portrait, 0.25)
    height, width = small.shape[:2]
    photo[TOP : TOP + height, LEFT : LEFT + width] = small
    return photo, (LEFT / WIDTH, TOP / HEIGHT, (LEFT + width) / WIDTH, (TOP + height) / HEIGHT)


def test_a_box_finds_a_face_that_the_whole_photo_does_not_show(reader: Reader, portrait: Picture, man: Picture) -> None:
    photo, box = far_away(portrait, man)
    assert len(reader.read(photo)) == 1
    faces, chosen = chosen_face(reader, photo, None)
    assert chosen == 0
    assert float(faces[0].vector @ reader.read(man)[0].vector) > 0.9
    faces, chosen = chosen_face(reader, photo, box)
    assert (len(faces), chosen) == (2, 1)
    x0, y0, x1, y1 = faces[chosen].box
    assert LEFT < x0 < x1 < LEFT + 128
    assert TOP < y0 < y1 < TOP + 128
    assert float(faces[chosen].vector @ reader.read(portrait)[0].vector) > 0.5


def test_a_box_around_nothing_is_refused(reader: Reader, portrait: Picture, man: Picture) -> None:
    photo, _ = far_away(portrait, man)
    for box in ((0.5, 0.1, 0.6, 0.2), (0.0, 0.9, 0.002, 0.902)):
        with pytest.raises(Invalid) as refusal:
            chosen_face(reader, photo, box)
        assert (refusal.value.code, refusal.value.fields[0].field) == ("no_face", "box")
