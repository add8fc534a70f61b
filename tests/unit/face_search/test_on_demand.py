from __future__ import annotations

import threading

import numpy as np

from face_search.on_demand import DecoderOnDemand, OnDemand, ReaderOnDemand
from tests.integration.face_search.canned import CannedReader, Portrait, scene


def test_a_thing_is_made_once_whoever_asks_first() -> None:
    made: list[int] = []
    together = threading.Barrier(8)
    thing = OnDemand(lambda: made.append(1) or object())  # type: ignore[func-returns-value]
    got: list[object] = []

    def ask() -> None:
        together.wait()
        got.append(thing.get())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(got), len(set(map(id, got)))) == (1, 8, 1)


def test_networks_are_loaded_at_the_first_face_and_named_before() -> None:
    loaded: list[CannedReader] = []

    def load() -> CannedReader:
        loaded.append(CannedReader())
        return loaded[-1]

    reader = ReaderOnDemand("canned-1", 32, load)
    assert (reader.model, reader.dimension, loaded) == ("canned-1", 32, [])
    [face] = reader.read(scene(Portrait(3)))
    assert np.allclose(reader.embed([face.aligned])[0], face.vector)
    assert len(loaded) == 1


def test_a_thing_that_cannot_be_made_is_tried_again() -> None:
    tries: list[int] = []

    def make() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not yet")
        return 7

    thing = OnDemand(make)
    try:
        thing.get()
    except OSError:
        assert thing.if_made() is None
    assert (thing.get(), thing.if_made()) == (7, 7)


def test_a_child_that_nobody_needed_is_not_started_to_be_ended() -> None:
    def never() -> None:
        raise AssertionError("started")

    DecoderOnDemand(never).close()  # type: ignore[arg-type]
