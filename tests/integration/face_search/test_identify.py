"""Passes and photos become sightings: one row each, whatever comes twice, late or in pieces."""

from __future__ import annotations

from datetime import timedelta

import pytest

from face_search.seen import FOLDER
from shared_kernel.clock import now
from shared_kernel.errors import Poison, Unavailable
from shared_kernel.messages import Evidence, PassObserved, new_id
from shared_kernel.tables import Sighting
from tests.integration.face_search.canned import Portrait, jpeg
from tests.integration.face_search.recognising import FailingIndex, Recogniser
from tests.integration.face_search.world import World

ADA, BOB, EVE = 5, 17, 40


@pytest.fixture
def works(world: World) -> Recogniser:
    """A worker over every kind of database."""
    made = Recogniser(world)
    made.sync()
    return made


@pytest.fixture
def quick(small_world: World) -> Recogniser:
    """The same on SQLite only."""
    made = Recogniser(small_world)
    made.sync()
    return made


def closed(message: PassObserved, works: Recogniser, *portraits: Portrait) -> PassObserved:
    """The end of a pass, with a better picture when portraits are given."""
    ended = {"phase": "closed", "closed_at": now(), "last_seen_at": now(), "frames": 9}
    if portraits:
        key, picture = f"evidence/{message.pass_id}/2-face.jpg", jpeg(*portraits)
        works.parts.blobs.put(key, picture)
        ended["face"] = Evidence(key=key, width=128, height=128, bytes=len(picture))
    return message.model_copy(update=ended)


def test_a_pass_of_somebody_enrolled(works: Recogniser) -> None:
    ada = works.enrol("Ada", Portrait(ADA), Portrait(ADA, look=1))
    works.enrol("Bob", Portrait(BOB))
    works.sync()
    camera = works.world.camera(lon=113.3, lat=23.1)
    message = works.world.observed(camera, Portrait(ADA, look=2))
    works.identifier.see_pass(message)
    [row] = works.sightings()
    assert (row.decision, row.person_id, row.camera_id, row.source_id) == ("auto", ada, camera, message.pass_id)
    assert row.score is not None
    assert row.threshold is not None
    assert row.score >= row.threshold
    assert (float(row.lon or 0), float(row.lat or 0)) == (113.3, 23.1)
    assert (row.quality, row.covered, row.runner_up_id) == (0.9, False, None)
    assert row.seen_at == message.opened_at
    assert works.parts.blobs.get(row.crop_key).startswith(b"\xff\xd8")
    assert works.parts.blobs.get(row.aligned_key or "").startswith(b"\x89PNG")
    [told] = works.told
    assert (told.sighting_id, told.decision, told.person_id, told.person_name) == (row.sighting_id, "auto", ada, "Ada")
    assert (told.camera_id, told.source_id, told.picture, told.alerts) == (camera, message.pass_id, 0, False)
    assert told.sample_crop_key is not None
    assert works.parts.blobs.get(told.sample_crop_key)
    # and the sighting itself can be searched for
    works.sync()
    assert {one.index_state for one in works.vectors()} == {"indexed"}


def test_a_stranger_is_unknown(quick: Recogniser) -> None:
    quick.enrol("Ada", Portrait(ADA))
    quick.sync()
    quick.identifier.see_pass(quick.world.observed(quick.world.camera(), Portrait(EVE)))
    [row] = quick.sightings()
    assert (row.decision, row.person_id) == ("unknown", None)
    assert [one.decision for one in quick.told] == ["unknown"]


def test_nobody_enrolled(quick: Recogniser) -> None:
    quick.identifier.see_pass(quick.world.observed(quick.world.camera(), Portrait(EVE)))
    assert [(row.decision, row.score) for row in quick.sightings()] == [("unknown", None)]


def test_two_who_are_alike_are_a_near_tie(works: Recogniser) -> None:
    twins = {works.enrol("Ada", Portrait(ADA)), works.enrol("Her twin", Portrait(ADA))}
    works.sync()
    works.identifier.see_pass(works.world.observed(works.world.camera(), Portrait(ADA, look=1)))
    [row] = works.sightings()
    assert row.decision == "near_tie"
    assert {row.person_id, row.runner_up_id} == twins
    assert row.runner_up_score == pytest.approx(row.score)


def test_what_a_human_said_is_respected(works: Recogniser) -> None:
    ada = works.enrol("Ada", Portrait(ADA))
    works.sync()
    camera = works.world.camera()
    works.identifier.see_pass(works.world.observed(camera, Portrait(ADA, look=1)))
    [first] = works.sightings()
    assert first.person_id == ada
    works.gallery.negative(ada, first.sighting_id)
    works.identifier.see_pass(works.world.observed(camera, Portrait(ADA, look=1)))
    [second] = [row for row in works.sightings() if row.sighting_id != first.sighting_id]
    assert (second.decision, second.person_id) == ("unknown", None)


def test_a_poor_face_is_kept_but_not_compared(quick: Recogniser) -> None:
    quick.enrol("Ada", Portrait(ADA))
    quick.sync()
    # the canned reader gives small faces 0.2, which is just enough to be compared
    quick.identifier.see_pass(quick.world.observed(quick.world.camera(), Portrait(ADA, side_px=20)))
    quick.identifier.see_pass(quick.world.observed(quick.world.camera()))
    rows = quick.sightings()
    assert [row.quality_reasons for row in rows] == ["too_small", "no_face"]
    nothing = rows[1]
    assert (nothing.decision, nothing.aligned_key, nothing.quality) == ("unusable", None, 0.0)
    assert quick.parts.blobs.get(nothing.crop_key).startswith(b"\xff\xd8")
    assert not [one for one in quick.vectors() if one.subject_id == nothing.sighting_id]


@pytest.mark.parametrize("order", ["opened closed", "closed opened", "opened opened closed closed opened"])
def test_both_reports_of_a_pass_are_one_row(works: Recogniser, order: str) -> None:
    """The better picture wins, whatever comes first; what it replaces is removed."""
    ada = works.enrol("Ada", Portrait(ADA))
    works.sync()
    opened = works.world.observed(works.world.camera(), Portrait(ADA, look=1, side_px=24))
    ended = closed(opened, works, Portrait(ADA, look=2))
    for phase in order.split():
        works.identifier.see_pass(opened if phase == "opened" else ended)
    [row] = works.sightings()
    assert (row.decision, row.person_id, row.quality) == ("auto", ada, 0.9)
    assert works.gallery.objects(f"{FOLDER}/{row.sighting_id}") == {row.crop_key, row.aligned_key}
    assert len([one for one in works.vectors() if one.subject_id == row.sighting_id]) == 1
    assert works.told[-1].quality in (0.2, 0.9)
    assert [told.picture for told in works.told if told.quality == 0.9] == [1] * order.split().count("closed")


def test_the_end_with_the_same_picture_changes_nothing(quick: Recogniser) -> None:
    opened = quick.world.observed(quick.world.camera(), Portrait(ADA))
    quick.identifier.see_pass(opened)
    [before] = quick.sightings()
    quick.identifier.see_pass(closed(opened, quick))
    [after] = quick.sightings()
    assert (after.crop_key, after.recorded_at) == (before.crop_key, before.recorded_at)
    assert len(quick.told) == 1


def test_a_worse_picture_at_the_end_changes_nothing(quick: Recogniser) -> None:
    opened = quick.world.observed(quick.world.camera(), Portrait(ADA))
    quick.identifier.see_pass(opened)
    quick.identifier.see_pass(closed(opened, quick, Portrait(ADA, look=1, side_px=20)))
    [row] = quick.sightings()
    assert row.quality == 0.9
    assert len(quick.told) == 1
    assert quick.gallery.objects(f"{FOLDER}/{row.sighting_id}") == {row.crop_key, row.aligned_key}


def test_a_decision_of_a_human_stays(works: Recogniser) -> None:
    ada, bob = works.enrol("Ada", Portrait(ADA)), works.enrol("Bob", Portrait(BOB))
    works.sync()
    opened = works.world.observed(works.world.camera(), Portrait(ADA, side_px=24))
    works.identifier.see_pass(opened)
    [row] = works.sightings()
    assert row.person_id == ada
    with works.parts.database.write() as store:
        kept = store.sightings.get(row.sighting_id, lock=True)
        assert kept is not None
        kept.person_id, kept.decision = bob, "confirmed"
    works.identifier.see_pass(closed(opened, works, Portrait(ADA, look=1)))
    works.identifier.see_pass(opened)
    [row] = works.sightings()
    assert (row.person_id, row.decision) == (bob, "confirmed")


def test_the_evidence_is_gone(quick: Recogniser) -> None:
    """After a long outage retention has been there: no sighting, and nobody waits for one."""
    message = quick.world.observed(quick.world.camera(), Portrait(ADA))
    quick.parts.blobs.delete(message.face.key)
    quick.identifier.see_pass(message)
    assert not quick.sightings()


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\xff\xd8\xff\xe0 torn"])
def test_evidence_that_is_no_picture(quick: Recogniser, data: bytes) -> None:
    message = quick.world.observed(quick.world.camera(), Portrait(ADA))
    quick.parts.blobs.put(message.face.key, data)
    quick.identifier.see_pass(message)
    assert not quick.sightings()


def test_everybody_on_a_photo(works: Recogniser) -> None:
    ada = works.enrol("Ada", Portrait(ADA))
    works.sync()
    message = works.photo_taken(Portrait(ADA, look=1), Portrait(EVE, side_px=80), lon=113.5, lat=22.9)
    for _ in range(3):
        works.identifier.see_photo(message)
    rows = works.sightings()
    assert [(row.face_no, row.decision, row.person_id) for row in rows] == [(0, "auto", ada), (1, "unknown", None)]
    assert {(row.source, row.source_id, row.camera_id) for row in rows} == {("photo", message.photo_id, None)}
    assert {(row.taken_by, float(row.lon or 0)) for row in rows} == {(message.taken_by, 113.5)}
    assert len({told.message_id for told in works.told}) == 2


def test_fifty_faces_at_most(quick: Recogniser) -> None:
    quick.identifier.see_photo(quick.photo_taken(*(Portrait(number % 64) for number in range(55))))
    rows = quick.sightings()
    assert [row.face_no for row in rows] == list(range(50))


def test_a_photo_without_faces(quick: Recogniser) -> None:
    quick.identifier.see_photo(quick.photo_taken())
    assert not quick.sightings()


def test_a_photo_that_is_none_is_buried(quick: Recogniser) -> None:
    message = quick.photo_taken()
    quick.parts.blobs.put(message.key, b"GIF89a")
    with pytest.raises(Poison, match=message.photo_id):
        quick.identifier.see_photo(message)


@pytest.mark.parametrize("wrong", ["", "x", "'; DROP TABLE sightings", "0" * 27])
def test_what_is_no_id_is_buried(quick: Recogniser, wrong: str) -> None:
    message = quick.world.observed(quick.world.camera(), Portrait(ADA))
    for update in ({"pass_id": wrong}, {"camera_id": wrong}):
        with pytest.raises(Poison, match="expected a ULID"):
            quick.identifier.see_pass(message.model_copy(update=update))
    with pytest.raises(Poison, match="expected a ULID"):
        quick.identifier.see_photo(quick.photo_taken().model_copy(update={"taken_by": wrong}))
    assert not quick.sightings()


def test_without_the_index_nothing_is_lost_and_nothing_is_read_twice(quick: Recogniser) -> None:
    index = quick.index
    assert isinstance(index, FailingIndex)
    ada = quick.enrol("Ada", Portrait(ADA))
    quick.sync()
    message = quick.world.observed(quick.world.camera(), Portrait(ADA, look=1))
    index.away = True
    for _ in range(3):
        with pytest.raises(Unavailable, match="face index"):
            quick.identifier.see_pass(message)
    assert not quick.sightings()
    # read once: the evidence may go meanwhile
    quick.parts.blobs.delete(message.face.key)
    index.away = False
    quick.identifier.see_pass(message)
    assert [row.person_id for row in quick.sightings()] == [ada]


def test_nobody_is_compared_with_half_a_gallery(quick: Recogniser) -> None:
    """A Milvus that forgot everything says `nobody` about everybody, until it is full again."""
    index = quick.index
    assert isinstance(index, FailingIndex)
    ada = quick.enrol("Ada", Portrait(ADA))
    quick.sync()
    message = quick.world.observed(quick.world.camera(), Portrait(ADA, look=1))
    index.forget()
    with pytest.raises(Unavailable):
        quick.identifier.see_pass(message)
    quick.syncer.distrust()
    quick.syncer._ensure({quick.model: (quick.dimension, "serving")})
    assert index.has(quick.model)
    with pytest.raises(Unavailable, match="being put in"):
        quick.identifier.see_pass(message)
    quick.sync()
    quick.identifier.see_pass(message)
    assert [row.person_id for row in quick.sightings()] == [ada]


def test_watch_lists_tell(quick: Recogniser) -> None:
    ada = quick.enrol("Ada", Portrait(ADA))
    quick.gallery.face_list(ada, name="Barred", kind="watch", alerts=True)
    quick.gallery.face_list(ada, name="Staff")
    quick.sync()
    quick.identifier.see_pass(quick.world.observed(quick.world.camera(), Portrait(ADA, look=1)))
    [told] = quick.told
    assert told.alerts
    assert set(told.list_kinds) == {"watch", "own"}
    assert set(told.list_names) == {"Barred", "Staff"}


def test_whose_consent_has_ended_is_nobody(quick: Recogniser) -> None:
    quick.enrol("Ada", Portrait(ADA), expires_at=now() - timedelta(seconds=1))
    quick.sync()
    quick.identifier.see_pass(quick.world.observed(quick.world.camera(), Portrait(ADA, look=1)))
    assert [(row.decision, row.person_id) for row in quick.sightings()] == [("unknown", None)]


def test_a_camera_nobody_knows(quick: Recogniser) -> None:
    quick.identifier.see_pass(quick.world.observed(new_id(), Portrait(ADA)))
    assert [(row.lon, row.lat) for row in quick.gallery.rows(Sighting)] == [(None, None)]
