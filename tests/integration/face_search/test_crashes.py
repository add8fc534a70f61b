"""The process ends at any step of a sighting or of a round of the index; the next one makes it whole."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from face_search.syncing import Syncer
from shared_kernel.tables import FaceSample, Sighting
from tests.integration.face_search.canned import Portrait
from tests.integration.face_search.dying import Countdown, DyingBlobs, DyingDatabase, Killed
from tests.integration.face_search.recognising import FailingIndex, Recogniser, is_like_sql
from tests.integration.face_search.world import World

ADA, BOB = 5, 17


def test_kill_at_every_step_of_a_sighting(small_world: World, tmp_path: Path) -> None:
    """Wherever the process ends, the next one makes the same single row, and tells of it."""
    steps = 0
    while True:
        works = Recogniser(small_world)
        works.sync()
        message = small_world.observed(small_world.camera(), Portrait(ADA))
        countdown = Countdown(steps)
        url = small_world.settings.database_url.get_secret_value()
        database = DyingDatabase(url, countdown)
        blobs = DyingBlobs(str(tmp_path / "blobs"), countdown)
        published: list[Any] = []

        def publish(told: Any, countdown: Countdown = countdown, published: list[Any] = published) -> None:
            with countdown.step():
                published.append(told)

        dying = works.make_identifier(publish, database=database, blobs=blobs)
        with contextlib.suppress(Killed):
            dying.see_pass(message)
        database.close()
        works.identifier.see_pass(message)
        [row] = works.gallery.rows(Sighting, Sighting.source_id == message.pass_id)
        assert works.gallery.objects(f"faces/sightings/{row.sighting_id}") == {row.crop_key, row.aligned_key}
        [vector] = [one for one in works.vectors() if one.subject_id == row.sighting_id]
        assert vector.index_state == "pending"
        assert {one.message_id for one in (*published, *works.told)} == {works.told[0].message_id}
        if not countdown.reached:
            break
        steps += 1
    assert steps >= 6  # two pictures, one transaction, one message: each before and after


class DyingIndex(FailingIndex):
    """Changes entries until the end."""

    countdown: Countdown | None = None

    def upsert(self, model: str, entries: Any) -> None:
        self._step(lambda: super(DyingIndex, self).upsert(model, entries))

    def remove(self, model: str, vector_ids: Any) -> None:
        self._step(lambda: super(DyingIndex, self).remove(model, vector_ids))

    def ensure(self, model: str, dimension: int) -> bool:
        made: list[bool] = []
        self._step(lambda: made.append(super(DyingIndex, self).ensure(model, dimension)))
        return made[0]

    def _step(self, do: Any) -> None:
        if self.countdown is None:
            do()
            return
        with self.countdown.step():
            do()


def test_kill_at_every_step_of_a_round(small_world: World) -> None:
    """Enrolled, erased and renamed; the process ends anywhere in the round; the next one makes the index like SQL."""
    steps = 0
    while True:
        index = DyingIndex()
        works = Recogniser(small_world, index)
        works.sync()
        gone = works.enrol("Bob", Portrait(BOB))
        works.sync()
        works.enrol("Ada", Portrait(ADA), Portrait(ADA, look=1))
        with works.parts.database.write() as store:
            samples = list(store._session.scalars(select(FaceSample.sample_id).filter_by(person_id=gone)))
            store.vectors.take_out(samples)
            store._session.execute(delete(FaceSample).where(FaceSample.sample_id.in_(samples)))
        countdown = Countdown(steps)
        index.countdown = countdown
        database = DyingDatabase(small_world.settings.database_url.get_secret_value(), countdown)
        dying = Syncer(database, index, works.model, works.dimension)
        with contextlib.suppress(Killed):
            while dying.step():
                pass
        database.close()
        index.countdown = None
        works.syncer = works.make_syncer()
        works.sync()
        assert is_like_sql(works)
        assert not [row for row in works.vectors() if row.subject_id in samples]
        assert works.state() == "serving"
        if not countdown.reached:
            break
        steps += 1
    assert steps >= 10
