"""A process that is killed at any step of enrolling leaves a whole sample or none, and the next try succeeds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import event

from face_search import gallery as who
from face_search import keeping
from face_search.adapters.likeness import Viewer
from face_search.enrol import Enrolment
from face_search.gallery import Author
from face_search.undoing import undo
from shared_kernel.tables import FaceSample, FaceVector, GalleryChange
from tests.integration.face_search.canned import Portrait, photo, scene
from tests.integration.face_search.dying import Countdown, DyingBlobs, DyingDatabase, Killed
from tests.integration.face_search.gallery import Gallery
from tests.integration.face_search.two_entries import Scene
from tests.integration.face_search.world import World

FACE = Portrait(5)
#: More than any of these has.
MANY_STEPS = 200


def enrolment(world: World, countdown: Countdown) -> Enrolment:
    folder = world.settings.blobs_url.removeprefix("file://")
    return replace(
        world.parts.enrolment(),
        database=DyingDatabase(world.settings.database_url.get_secret_value(), countdown),
        blobs=DyingBlobs(folder, countdown),
    )


def whole(world: World) -> int:
    """How many samples there are, each with its vector and both pictures; nothing else."""
    gallery = Gallery(world.database, world.parts.blobs)
    samples, vectors = gallery.rows(FaceSample), gallery.rows(FaceVector)
    assert [row.subject_id for row in vectors] == [row.sample_id for row in samples]
    for row in samples:
        for key in (row.crop_key, row.aligned_key):
            assert world.parts.blobs.size(key) > 0
    return len(samples)


def test_killed_at_any_step_of_enrolling(small_world: World) -> None:
    world, finished = small_world, False
    gallery = Gallery(world.database, world.parts.blobs)
    outcomes = set()
    for steps in range(MANY_STEPS):
        ada = gallery.person(f"Ada {steps}")
        countdown = Countdown(steps)
        dying = enrolment(world, countdown)
        try:
            dying.enrol_photo(ada, photo(FACE), scene(FACE), None)
            finished = True
        except Killed:
            outcomes.add(whole(world))
        finally:
            dying.database.close()
        if finished:
            break
        again = enrolment(world, Countdown(MANY_STEPS))
        done = again.enrol_photo(ada, photo(FACE), scene(FACE), None)
        again.database.close()
        assert whole(world) == 1
        with world.database.write() as store:  # the next one begins with an empty gallery
            store.traces.remove_samples([done.row.sample_id])
            for vector in gallery.rows(FaceVector):
                store._session.delete(store._session.merge(vector))
    assert finished
    assert outcomes == {0, 1}  # killed before and after the commit
    _let_a_day_pass(world)
    assert keeping.remove_orphans(world.database, world.parts.blobs) > 0
    assert whole(world) == 1
    [row] = gallery.rows(FaceSample)
    assert gallery.objects() == {row.crop_key, row.aligned_key}


def _let_a_day_pass(world: World) -> None:
    folder = Path(world.settings.blobs_url.removeprefix("file://"))
    then = time.time() - 2 * 24 * 3600
    for path in folder.rglob("*.*"):
        os.utime(path, (then, then))


@contextmanager
def killed_at_statement(world: World, number: int) -> Iterator[None]:
    """The process ends when the database is told something for the n-th time, from 0."""
    left = number

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    event.listen(world.database.engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(world.database.engine, "before_cursor_execute", count)


def _killed_everywhere(world: World, work: Callable[[], object], state: Callable[[], object]) -> int:
    """Do `work`, killed at each of its statements in turn: nothing may change until it comes to its end."""
    before = state()
    for number in range(MANY_STEPS):
        try:
            with killed_at_statement(world, number):
                work()
        except Killed:
            assert state() == before, f"killed at statement {number}"
        else:
            return number
    raise AssertionError(f"more than {MANY_STEPS} statements")


def test_killed_at_any_statement_of_merging_and_of_taking_it_back(small_world: World) -> None:
    scene_, author = Scene(small_world), Author(None, Viewer("", None))
    run = small_world.database.run

    def state() -> object:
        changes = scene_.gallery.rows(GalleryChange)
        return scene_.everything(), scene_.waiting(), {(one.change_id, one.undone_at) for one in changes}

    made: list[str] = []

    def merge() -> None:
        change = run(lambda store: who.merge(store, scene_.ada, scene_.bob, author))
        made.append(change.change_id)

    before = scene_.everything()
    assert _killed_everywhere(small_world, merge, state) > 20
    assert _killed_everywhere(small_world, lambda: run(lambda store: undo(store, made[0], author)), state) > 20
    assert scene_.everything() == before
