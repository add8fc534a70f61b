"""One person and visit is one pass: the defects of the original, each as a test, and how passes open and close."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from shared_kernel.messages import FrameAnalysed, PassObserved
from stream_service.passes import NEW_FOR_S
from stream_service.votes import MIN_DOUBTFUL_SIGHTINGS
from tests.unit.stream_service.doubles import (
    START,
    WITH,
    WITHOUT,
    WRONG,
    KeptOutgoing,
    OneRing,
    analysed,
    closed,
    face,
    film,
    followed,
    opened,
)

STILL = [face(400)]


def one_pass(messages: list[PassObserved]) -> PassObserved:
    """The closed message of the only pass."""
    assert [message.phase for message in messages] == ["opened", "closed"]
    assert messages[0].pass_id == messages[1].pass_id
    return messages[1]


@pytest.mark.parametrize("fps", [5.0, 25.0])
def test_a_still_face_in_250_frames_is_one_pass(fps: float) -> None:
    assert one_pass(followed(film([STILL] * 250, fps))).frames == 250


@pytest.mark.parametrize("missed", [0.2, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_missed_frames_make_no_second_pass(missed: float, seed: int) -> None:
    chance = random.Random(seed)
    pictures = [STILL if chance.random() > missed else [] for _ in range(250)]
    assert one_pass(followed(film(pictures))).frames == sum(map(bool, pictures))


def test_two_frame_gaps_every_ten_make_no_second_pass() -> None:
    assert one_pass(followed(film([STILL if number % 10 < 8 else [] for number in range(250)]))).frames == 200


@pytest.mark.parametrize("px_per_frame", [5, 12, 15, 30, 60, 120])
@pytest.mark.parametrize("size", [60, 90])
def test_a_fast_face_is_one_pass(px_per_frame: int, size: int) -> None:
    steps = min(100, 1180 // px_per_frame)
    pictures = [[face(50 + px_per_frame * number, size=size)] for number in range(steps)]
    assert one_pass(followed(film(pictures))).frames == steps


def test_a_fast_face_that_is_missed_in_a_third_of_the_frames_is_one_pass() -> None:
    pictures = [[face(50 + 40 * number)] if number % 3 else [] for number in range(30)]
    assert one_pass(followed(film(pictures)))


@pytest.mark.parametrize("fps", [5.0, 25.0])
def test_class_flicker_makes_no_second_pass_and_the_majority_decides(fps: float) -> None:
    pictures = [[face(400, state=WITHOUT if number % 3 == 0 else WITH)] for number in range(252)]
    assert one_pass(followed(film(pictures, fps))).state is WITH


def test_what_is_shown_of_a_face_does_not_flicker() -> None:
    shown: list[FrameAnalysed] = []
    frames = film([[face(400, state=WITHOUT if number % 3 == 2 else WITH)] for number in range(60)])
    followed([*frames, frames[58]], show=shown.append)
    assert [[one.state for one in frame.faces] for frame in shown[:60]] == [[WITH]] * 60
    assert [frame.frame_id for frame in shown] == [frame.frame_id for frame in [*frames, frames[58]]]
    assert shown[60].faces == frames[58].faces


def test_even_flicker_is_one_pass_too() -> None:
    pictures = [[face(400, state=WITHOUT if number % 2 else WITH)] for number in range(250)]
    assert one_pass(followed(film(pictures)))


def test_somebody_who_stands_for_an_hour_is_one_pass() -> None:
    chance = random.Random(1)
    pictures = [[face(400 + chance.gauss(0, 4), 300 + chance.gauss(0, 4))] for _ in range(1801)]
    message = one_pass(followed(film(pictures, fps=0.5)))
    assert message.last_seen_at - message.opened_at == timedelta(hours=1)


def test_the_pass_opens_within_a_second_of_appearing() -> None:
    clock: list[float] = []
    outgoing = KeptOutgoing()

    def frames() -> list[FrameAnalysed]:
        return film([STILL] * 10)

    for frame in frames():
        clock.append((frame.captured_at - START).total_seconds())
        if opened(followed(frames()[: len(clock)], outgoing=outgoing)):
            break
    assert clock[-1] <= 0.5


def test_two_sightings_are_no_proof() -> None:
    assert followed(film([STILL] * 2 + [[]] * 30)) == []


def test_a_small_uncertain_face_needs_more_sightings() -> None:
    def sightings_needed(size: float, sure: float) -> int:
        return next(n for n in range(1, 60) if followed(film([[face(400, size=size, sure=sure)]] * n)))

    assert sightings_needed(100, 0.95) < sightings_needed(30, 0.6)


def test_what_hardly_looks_like_a_face_is_nobody_until_it_stays() -> None:
    doubtful = [face(400, size=80, score=0.58)]
    assert followed(film([doubtful] * (MIN_DOUBTFUL_SIGHTINGS - 1))) == []
    assert len(opened(followed(film([doubtful] * MIN_DOUBTFUL_SIGHTINGS)))) == 1
    assert len(opened(followed(film([doubtful] * 3 + [[face(400, size=80, score=0.7)]])))) == 1


def test_who_turns_round_close_to_the_camera_stays_the_same_pass() -> None:
    to_the_left = [[face(320 - 60 * n, size=90)] for n in range(5)]
    to_the_right = [[face(80 + 100 * n, size=90)] for n in range(1, 6)]
    assert one_pass(followed(film(to_the_left + to_the_right))).frames == 10


@pytest.mark.parametrize("pause_s", [1.4, 2.4])
def test_who_comes_in_where_somebody_went_out_is_another_pass(pause_s: float) -> None:
    out = [[face(980 + 50 * n)] for n in range(6)]
    came_in = [[face(1230 - 50 * n)] for n in range(6)]
    messages = followed(film(out + [[]] * round(pause_s * 5) + came_in))
    assert len(opened(messages)) == 2


def test_who_stays_at_the_edge_and_is_missed_for_a_while_is_one_pass() -> None:
    at_the_edge = [[face(1230)]] * 8
    assert one_pass(followed(film(at_the_edge + [[]] * 10 + at_the_edge))).frames == 16


def test_a_head_from_behind_does_not_keep_the_pass_for_who_comes_next() -> None:
    here = [[face(600, size=50, score=0.88)]] * 10
    turned_away = [[face(600 - 2 * n, 360 - 3 * n, size=50 - n, score=0.6)] for n in range(25)]
    next_one = [[face(550, 290, size=26, state=WITH, score=0.75)]] * 10
    messages = followed(film(here + turned_away + next_one))
    assert [message.state for message in opened(messages)] == [WITHOUT, WITH]


def test_a_face_in_bad_light_is_one_pass_however_low_it_scores() -> None:
    chance = random.Random(3)
    pictures = [[face(600, size=50, score=chance.uniform(0.56, 0.74))] for _ in range(250)]
    assert one_pass(followed(film(pictures))).frames == 250


def test_people_who_cross_keep_their_passes() -> None:
    pictures = [[face(100 + 30 * n, 300, state=WITHOUT), face(1180 - 30 * n, 330, state=WITH)] for n in range(36)]
    messages = followed(film(pictures))
    assert {message.state for message in closed(messages)} == {WITH, WITHOUT}
    assert len(opened(messages)) == 2
    assert all(message.confidence > 0.95 for message in closed(messages))


def test_people_who_cross_hidden_for_two_frames_keep_their_passes() -> None:
    def seen(n: int) -> list[float]:
        first, second = 100 + 30 * n, 1180 - 30 * n
        return [first] if abs(first - second) < 60 else [first, second]

    pictures = [
        [face(x, 300 if x == 100 + 30 * n else 340, state=WITHOUT if x == 100 + 30 * n else WITH) for x in seen(n)]
        for n in range(36)
    ]
    messages = followed(film(pictures))
    assert len(opened(messages)) == 2
    assert {message.state for message in closed(messages)} == {WITH, WITHOUT}


def test_people_who_walk_one_behind_the_other_are_one_pass_each() -> None:
    pictures = [[face(100 + 80 * n), face(180 + 80 * n)] for n in range(12)]
    messages = followed(film(pictures))
    assert [message.frames for message in closed(messages)] == [12, 12]


def test_the_next_person_after_a_gap_is_another_pass() -> None:
    messages = followed(film([STILL] * 10 + [[]] * 20 + [STILL] * 10))
    assert len(opened(messages)) == 2


def test_who_takes_the_mask_off_for_good_ends_one_pass_and_begins_another() -> None:
    pictures = [[face(400, state=WITH)]] * 25 + [[face(400, state=WITHOUT)]] * 25
    messages = followed(film(pictures))
    first, second = closed(messages)
    assert (first.state, second.state) == (WITH, WITHOUT)
    assert first.last_seen_at == START + timedelta(seconds=4.8)
    assert second.opened_at == START + timedelta(seconds=5)
    assert (first.frames, second.frames) == (25, 25)
    assert first.confidence == second.confidence == 1.0


def test_a_mask_below_the_nose_for_a_second_ends_nothing() -> None:
    pictures = [[face(400, state=WITH)]] * 25 + [[face(400, state=WRONG)]] * 5 + [[face(400, state=WITH)]] * 25
    assert one_pass(followed(film(pictures))).state is WITH


def test_a_camera_without_analyses_for_a_while_ends_no_pass() -> None:
    before, after = film([STILL] * 10), film([STILL] * 10)
    later = [
        frame.model_copy(update={"seq": frame.seq + 10, "captured_at": frame.captured_at + timedelta(seconds=8)})
        for frame in after
    ]
    assert one_pass(followed([*before, None, *later]))


def test_a_cut_to_another_scene_ends_the_pass() -> None:
    frames = film([STILL] * 20)
    rings = OneRing(seed_of={frame.frame_id: (1 if frame.seq <= 10 else 2) for frame in frames})
    assert len(opened(followed(frames, rings))) == 2


def test_cameras_do_not_mix() -> None:
    frames = [
        one
        for n in range(10)
        for one in (analysed(n + 1, n / 5, *STILL, camera_id="a"), analysed(n + 1, n / 5, *STILL, camera_id="b"))
    ]
    messages = followed(frames, OneRing("a", "b"))
    assert sorted(message.camera_id for message in opened(messages)) == ["a", "b"]


def test_frames_out_of_order_are_left_out() -> None:
    frames = film([STILL] * 10)
    shuffled = [*frames[:5], frames[3], frames[2], *frames[5:]]
    assert one_pass(followed(shuffled)).frames == 10


def test_results_that_come_too_late_are_left_out() -> None:
    old = [
        frame.model_copy(update={"captured_at": frame.captured_at - timedelta(seconds=60)})
        for frame in film([STILL] * 10)
    ]
    assert followed(old) == []


def test_without_the_full_frame_nothing_is_claimed() -> None:
    rings = OneRing()
    rings.frames_gone = True
    assert followed(film([STILL] * 20), rings) == []


def test_a_removed_camera_closes_its_passes() -> None:
    rings, outgoing = OneRing(), KeptOutgoing()

    def frames() -> list[FrameAnalysed | None]:
        return [*film([STILL] * 10), None]

    def removing() -> list[FrameAnalysed | None]:
        rings.cameras.clear()
        return [None]

    def story() -> list[FrameAnalysed | None]:
        return frames()

    followed([*story()], rings, outgoing)
    assert [message.phase for message in outgoing.messages] == ["opened", "closed"]
    removing()
    assert followed(film([STILL] * 10), rings) == []


def test_a_full_disk_delays_the_pass_and_loses_nothing() -> None:
    outgoing = KeptOutgoing()
    outgoing.away = True
    frames = film([STILL] * 20)

    def healing() -> list[PassObserved]:
        def story() -> object:
            for frame in frames:
                if frame.seq == 15:
                    outgoing.away = False
                yield frame

        return followed(story(), outgoing=outgoing)  # type: ignore[arg-type]

    message = one_pass(healing())
    assert message.frames == 20
    assert message.opened_at == START


def test_a_closing_that_was_refused_is_offered_again_with_its_pictures() -> None:
    outgoing = KeptOutgoing()

    def story() -> object:
        for frame in film([[face(400, size=40)]] * 5 + [[face(400, size=80)]] * 5 + [[]] * 30):
            outgoing.away = 15 < frame.seq < 35
            yield frame

    followed(story(), outgoing=outgoing)  # type: ignore[arg-type]
    assert [message.phase for message in outgoing.messages] == ["opened", "closed"]
    last = outgoing.messages[-1]
    assert last.face.key in outgoing.pictures
    assert last.face.key.endswith("/face-2.jpg")


def test_the_closing_carries_the_best_evidence_of_the_whole_pass() -> None:
    outgoing = KeptOutgoing()
    followed(film([[face(400, size=40)]] * 5 + [[face(400, size=90)]] * 5), outgoing=outgoing)
    first, last = outgoing.messages
    assert last.face.width > first.face.width
    assert {first.face.key, last.face.key, first.scene.key, last.scene.key} == set(outgoing.pictures)
    for evidence in (first.face, first.scene, last.face, last.scene):
        assert len(outgoing.pictures[evidence.key]) == evidence.bytes
    assert first.face.key == f"evidence/2026/01/02/{first.pass_id}/face-1.jpg"


def test_equal_pictures_are_stored_once() -> None:
    outgoing = KeptOutgoing()
    followed(film([STILL] * 50), outgoing=outgoing)
    assert len(outgoing.pictures) == 2


def test_open_passes_are_remembered_for_a_crash() -> None:
    outgoing = KeptOutgoing()
    followed([*film([STILL] * 10), None], outgoing=outgoing)
    (progress,) = outgoing.remembered[-1]
    assert progress.frames == 10
    assert progress.last_seen_at == START + timedelta(seconds=1.8)


def test_a_crowd_is_followed() -> None:
    pictures = [[face(20 + 24 * n, 100 + 40 * (n % 3), size=20) for n in range(50)]] * 8
    assert len(opened(followed(film(pictures)))) == 50


def test_faces_without_area_and_at_the_edge_do_no_harm() -> None:
    strange = [face(0, 0, size=60), face(1280, 720, size=60), face(640, 360, size=0)]
    messages = followed(film([strange] * 10))
    assert len(opened(messages)) >= 2


def test_whoever_is_new_is_watched_and_whoever_stays_is_looked_at() -> None:
    rings, frames = OneRing(), film([STILL] * 5 * 40)
    followed(frames, rings)
    assert len(rings.attended) == 5 * NEW_FOR_S
    nobody = OneRing()
    followed(film([[]] * 10), nobody)
    assert nobody.attended == []
