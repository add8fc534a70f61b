"""Who was seen reaches the screens of those who may know, with both pictures; a watch list is told once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from miniprogram_api.erasure import erase_person
from miniprogram_api.sighted import record_sighting
from shared_kernel.auth import verify_ticket
from shared_kernel.clock import now
from shared_kernel.errors import Poison
from shared_kernel.messages import PersonErased, PersonSighted, new_id
from shared_kernel.tables import EventLog
from shared_kernel.testing import wait_until
from tests.integration.miniprogram_api.listening import Ear
from tests.integration.miniprogram_api.world import TICKET_KEY, World


@pytest.fixture
def live(world: World) -> Iterator[World]:
    """A world whose live feed runs."""
    world.parts.feed.open()
    wait_until(lambda: world.parts.feed.ready, what="the feed has read the log")
    yield world
    world.parts.feed.close()


def sighted(camera_id: str | None, **fields: Any) -> PersonSighted:
    sighting_id = new_id()
    given: dict[str, Any] = {
        "sighting_id": sighting_id,
        "source": "pass" if camera_id else "photo",
        "source_id": new_id(),
        "camera_id": camera_id,
        "taken_by": None,
        "seen_at": now(),
        "decision": "auto",
        "person_id": new_id(),
        "person_name": "Ada",
        "list_kinds": ("watch",),
        "list_names": ("Barred",),
        "alerts": True,
        "score": 0.61,
        "threshold": 0.42,
        "quality": 0.8,
        "crop_key": f"faces/sightings/{sighting_id}/crop.jpg",
        "sample_id": new_id(),
        "sample_crop_key": "faces/samples/x/crop.jpg",
    }
    return PersonSighted(**{**given, **fields})


def record(world: World, *messages: PersonSighted) -> None:
    for message in messages:
        world.database.run(lambda store, message=message: record_sighting(store, message))  # type: ignore[misc]


def log(world: World) -> list[tuple[str, str]]:
    """(event, scope) of all that was told, in order."""
    with Session(world.database.engine) as session:
        rows = session.scalars(select(EventLog).order_by(EventLog.event_id))
        return [(row.event, row.scope_id) for row in rows if row.event in ("sighting", "watch")]


def heard(ear: Ear) -> list[dict[str, Any]]:
    return [data["sighting"] for _, event, data in ear.heard.events if event in ("sighting", "watch")]


def test_a_watch_list_is_told_with_both_pictures(live: World) -> None:
    camera_id = live.camera(live.token(), name="North gate")
    officer = live.user("officer")
    ear = Ear(live, officer)
    message = sighted(camera_id)
    record(live, message)
    wait_until(ear.anything, what="the alert is heard")
    [(_, event, data)] = ear.heard.events
    assert event == "watch"
    seen = data["sighting"]
    assert {name: seen[name] for name in ("camera_name", "person_name", "decision", "alerts", "list_names")} == {
        "camera_name": "North gate",
        "person_name": "Ada",
        "decision": "auto",
        "alerts": True,
        "list_names": ["Barred"],
    }
    for name, picture_id in (("crop_url", message.sighting_id), ("sample_crop_url", message.sample_id)):
        path, _, ticket = seen[name].partition("?ticket=")
        assert path == f"/faces/pictures/{picture_id}"
        assert verify_ticket(TICKET_KEY, ticket, "faces", str(picture_id)).user_id == officer


def test_who_may_not_see_faces_hears_nothing_of_them(live: World) -> None:
    camera_id = live.camera(live.token())
    guard = live.user("guard")
    live.grant(camera_id, guard)
    ear, officer = Ear(live, guard), Ear(live, live.user("officer"))
    record(live, sighted(camera_id))
    after = live.observe(camera_id)
    assert ear.wait_for(1) == [after.pass_id]
    officer.wait_for(1)
    assert len(heard(officer)) == 1
    assert not heard(ear)


def test_a_face_of_a_photo_is_for_who_took_it_and_who_sees_everything(live: World) -> None:
    taker, other = live.user("officer"), live.user("guard")
    camera_id = live.camera(live.token())
    live.grant(camera_id, other)
    ears = {user: Ear(live, user) for user in (taker, other)}
    record(live, sighted(None, taken_by=other), sighted(None, taken_by=taker))
    wait_until(lambda: len(heard(ears[taker])) == 2, what="the officer, who sees every camera, hears both")
    after = live.observe(camera_id)
    assert ears[other].wait_for(1) == [after.pass_id]
    assert not heard(ears[other])


def test_who_resumes_hears_what_was_missed(live: World) -> None:
    camera_id, officer = live.camera(live.token()), live.user("officer")
    ear = Ear(live, officer)
    resume_at = wait_until(lambda: ear.heard.last_id)
    message = sighted(camera_id)
    record(live, message)
    again = Ear(live, officer, resume_at)
    wait_until(again.anything, what="the missed alert is heard")
    assert [one["sighting_id"] for one in heard(again)] == [message.sighting_id]


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({}, "watch"),
        ({"decision": "near_tie"}, "watch"),
        ({"alerts": False}, "sighting"),
        ({"decision": "unknown", "person_id": None, "person_name": None, "alerts": False}, "sighting"),
        # nobody is named: there is nothing to be alarmed about
        ({"decision": "unknown", "person_id": None, "alerts": True}, "sighting"),
        ({"decision": "rejected"}, "sighting"),
        ({"decision": "unusable", "person_id": None}, None),
    ],
)
def test_what_is_told(small_world: World, fields: dict[str, Any], event: str | None) -> None:
    camera_id = small_world.camera(small_world.token())
    record(small_world, sighted(camera_id, **fields))
    assert log(small_world) == ([] if event is None else [(event, camera_id)])


def test_a_repeat_is_told_once(world: World) -> None:
    camera_id = world.camera(world.token())
    message = sighted(camera_id)
    record(world, message, message)
    assert len(log(world)) == 1


@pytest.mark.parametrize("first", [0, 1])
def test_two_pictures_of_one_visit_are_one_alert(small_world: World, first: int) -> None:
    camera_id = small_world.camera(small_world.token())
    one = sighted(camera_id, picture=first)
    record(small_world, one, one.model_copy(update={"picture": 1 - first, "score": 0.7}))
    assert [event for event, _ in log(small_world)] == ["watch", "sighting"]


def test_a_better_picture_of_somebody_else_is_an_alert_of_its_own(small_world: World) -> None:
    camera_id = small_world.camera(small_world.token())
    one = sighted(camera_id)
    record(small_world, one, one.model_copy(update={"picture": 1, "person_id": new_id()}))
    assert [event for event, _ in log(small_world)] == ["watch", "watch"]


def test_a_face_that_is_known_by_the_better_picture_alone(small_world: World) -> None:
    camera_id = small_world.camera(small_world.token())
    unknown = {"decision": "unknown", "person_id": None, "alerts": False}
    one = sighted(camera_id)
    record(small_world, one.model_copy(update=unknown), one.model_copy(update={"picture": 1}))
    assert [event for event, _ in log(small_world)] == ["sighting", "watch"]


def test_what_is_no_id_is_buried(small_world: World) -> None:
    for field in ("sighting_id", "camera_id", "person_id"):
        for wrong in ("x", "'; DELETE FROM event_log; --", "0" * 27):
            message = sighted(new_id()).model_copy(update={field: wrong})
            with pytest.raises(Poison, match="expected ULIDs"):
                record(small_world, message)


def test_nobody_took_the_photo(small_world: World) -> None:
    with pytest.raises(Poison, match="expected ULIDs"):
        record(small_world, sighted(None, taken_by=None))


def test_who_is_erased_is_told_of_no_more(world: World) -> None:
    camera_id = world.camera(world.token())
    one, other = sighted(camera_id), sighted(camera_id)
    record(world, one, one.model_copy(update={"picture": 1}), other)
    erased = PersonErased(erasure_id=new_id(), erased_at=now(), sighting_ids=(one.sighting_id,))
    world.database.run(lambda store: erase_person(store, erased, blobs=world.parts.blobs))
    assert len(log(world)) == 1


def test_the_recorder_takes_it_from_the_bus(small_world: World) -> None:
    camera_id = small_world.camera(small_world.token())
    with small_world.recording():
        small_world.parts.bus.publish(sighted(camera_id))
        wait_until(lambda: log(small_world), what="the event is in the log")
