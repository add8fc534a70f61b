"""What this service removes when face-search says that somebody was erased."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from miniprogram_api.erasure import erase_person
from shared_kernel.clock import now
from shared_kernel.errors import NotFound, Poison
from shared_kernel.messages import PersonErased, derived_id, new_id
from shared_kernel.tables import EventLog, Footage, Media, Pass
from shared_kernel.testing import wait_until
from tests.integration.miniprogram_api.test_footage import clip, keep, recorded
from tests.integration.miniprogram_api.world import World, closed


def erased(*pass_ids: str, sightings: tuple[str, ...] = ()) -> PersonErased:
    return PersonErased(erasure_id=new_id(), erased_at=now(), pass_ids=pass_ids, sighting_ids=sightings)


def erase(world: World, message: PersonErased) -> None:
    world.database.run(partial(erase_person, message=message, blobs=world.parts.blobs))


def left(world: World) -> tuple[set[str], set[str], set[str], set[str]]:
    """Passes of the passes, pictures and clips, and the causes of live events that there still are."""
    with world.database.engine.connect() as connection:
        columns = (Pass.pass_id, Media.pass_id, Footage.pass_id, EventLog.message_id)
        found = [{one for one in connection.scalars(select(column)) if one is not None} for column in columns]
    passes, media, clips, told = found
    return passes, media, clips, told


def tell(world: World, message_id: str, event: str, camera_id: str) -> None:
    row = EventLog(message_id=message_id, event=event, scope_type="camera", scope_id=camera_id)
    row.payload, row.occurred_at, row.created_at = '{"person_name": "Ada"}', now(), now()
    with world.database.write() as store:
        store.events.append(row)


def test_passes_their_pictures_clips_and_events_go_and_those_of_others_stay(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    hers, others = world.observe(camera_id), world.observe(camera_id, age=timedelta(hours=1))
    world.record(closed(hers))
    her_clip, other_clip = (keep(world, clip(camera_id, pass_id=one.pass_id)) for one in (hers, others))
    recording = keep(world, recorded(camera_id))
    sighting, other_sighting = new_id(), new_id()
    tell(world, derived_id(sighting, "sighted"), "watch", camera_id)
    tell(world, derived_id(other_sighting, "sighted"), "watch", camera_id)

    message = erased(hers.pass_id, sightings=(sighting,))
    erase(world, message)
    erase(world, message)

    told = {derived_id(others.pass_id, "opened"), derived_id(other_sighting, "sighted")}
    passes, media, clips, events = left(world)
    assert (passes, media, clips) == ({others.pass_id},) * 3
    assert (
        events & {derived_id(one.pass_id, phase) for one in (hers, others) for phase in ("opened", "closed")}
        | (events & {derived_id(one, "sighted") for one in (sighting, other_sighting)})
        == told
    )
    assert her_clip.boxes_key is not None
    for key in (hers.face.key, hers.scene.key, her_clip.key, her_clip.boxes_key):
        with pytest.raises(NotFound):
            world.parts.blobs.get(key)
    for key in (others.face.key, others.scene.key, other_clip.key, recording.key):
        assert world.parts.blobs.get(key)
    with world.database.read() as store:
        assert sum(store.counts.total()) == 2  # a count names nobody


def test_what_came_late_goes_with_a_repeat(small_world: World) -> None:
    camera_id = small_world.camera(small_world.token())
    hers = small_world.observe(camera_id)
    message = erased(hers.pass_id)
    erase(small_world, message)
    small_world.record(closed(hers))
    keep(small_world, clip(camera_id, pass_id=hers.pass_id))
    erase(small_world, message)
    assert left(small_world)[:3] == (set(), set(), set())


def test_many_passes_of_one_message_go(small_world: World) -> None:
    camera_id = small_world.camera(small_world.token())
    hers = small_world.observe(camera_id)
    erase(small_world, erased(*(new_id() for _ in range(499)), hers.pass_id))
    assert left(small_world)[0] == set()


def test_an_id_that_is_none_is_buried(small_world: World) -> None:
    with pytest.raises(Poison, match="ULID"):
        erase(small_world, erased("../../etc"))


def test_the_bus_brings_it(small_world: World) -> None:
    hers = small_world.observe(small_world.camera(small_world.token()))
    with small_world.recording():
        small_world.parts.bus.publish(erased(hers.pass_id))
        wait_until(lambda: left(small_world)[0] == set())
