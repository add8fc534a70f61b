"""Who reads one face does not wait for a crowd: turns are short, and come in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from face_search.models.card import SFACE_CARD
from face_search.read_faces import TURN_FACES, Reader
from face_search.turns import Turns
from shared_kernel.messages import MaskState
from shared_kernel.testing import wait_until
from shared_kernel.vision.rules import FaceReading, Found

#: Eyes, nose and corners of the mouth of a face of 60 px at 30, 30.
POINTS = np.asarray([[48, 50], [72, 50], [60, 63], [50, 75], [70, 75]], np.float32)


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    turns, order = Turns(), list[int]()

    def work(number: int) -> None:
        with turns.turn():
            order.append(number)

    threads = []
    with turns.turn():
        for number in range(5):
            threads.append(threading.Thread(target=work, args=(number,)))
            threads[-1].start()
            wait_until(lambda number=number: turns.waiting == number + 1, what="waits")  # type: ignore[misc]
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_a_turn_that_fails_lets_the_next_come() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="x"), turns.turn():
        raise ValueError("x")
    with turns.turn():
        assert turns.waiting == 0


class Networks:
    """A finder that sees as many faces as a picture is bright, and an embedder that tells what it was given."""

    def __init__(self, during: Callable[[int], None]) -> None:
        self.embedded: list[int] = []
        self._during = during

    def read(self, pictures: list[Any]) -> list[list[Found]]:
        return [[_found() for _ in range(int(picture.max()))] for picture in pictures]

    def exact(self, picture: Any, rough: Any) -> Any:  # noqa: ARG002 - see `Landmarks`
        return rough

    def embed(self, faces: list[Any]) -> Any:
        self.embedded.append(len(faces))
        self._during(len(self.embedded))
        return np.ones((len(faces), SFACE_CARD.dimension), np.float32)

    def reader(self) -> Reader:
        this = cast("Any", self)
        return Reader(SFACE_CARD, this, this, this)


def _found() -> Found:
    face = FaceReading(state=MaskState.WITHOUT_MASK, score=0.9, state_score=0.9, landmarks=POINTS)
    return Found(label="without_mask", score=0.9, box=(30, 30, 90, 90), face=face)


def picture(faces: int) -> Any:
    return np.full((120, 120, 3), faces, np.uint8)


def test_a_pass_is_read_between_the_faces_of_a_crowd() -> None:
    done, passing = list[str](), list[threading.Thread]()

    def read(name: str, faces: int) -> None:
        assert len(reader.read(picture(faces))) == faces
        done.append(name)

    def during(turn: int) -> None:
        if turn == 1:  # the crowd has begun: a pass comes
            passing.append(threading.Thread(target=read, args=("pass", 1)))
            passing[0].start()
            wait_until(lambda: reader._recognising.waiting == 1, what="the pass waits")
        elif turn == 3:  # the crowd goes on when the pass has been answered
            passing[0].join()

    networks = Networks(during)
    reader = networks.reader()
    read("crowd", 3 * TURN_FACES)
    assert networks.embedded == [TURN_FACES, 1, TURN_FACES, TURN_FACES]
    assert done == ["pass", "crowd"]


def test_many_upright_faces_are_embedded_in_turns_and_none_in_none() -> None:
    networks = Networks(lambda _: None)
    reader = networks.reader()
    upright = [np.zeros((112, 112, 3), np.uint8)] * (2 * TURN_FACES + 1)
    assert reader.embed(upright).shape == (len(upright), SFACE_CARD.dimension)
    assert networks.embedded == [TURN_FACES, TURN_FACES, 1]
    assert reader.embed([]).shape == (0, SFACE_CARD.dimension)
    assert reader.read(picture(0)) == []
