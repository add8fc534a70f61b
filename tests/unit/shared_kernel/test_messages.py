"""The vocabulary keeps its promises: what goes out comes back, old readers survive new fields, ids repeat."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from shared_kernel.messages import MESSAGES, Box, CameraReported, FrameCaptured, MaskState, derived_id, new_id

CAPTURED_AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


def test_ids_sort_by_time_and_never_repeat() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {len(one) for one in ids} == {26}


def test_a_derived_id_repeats_for_the_same_parent_and_index_only() -> None:
    assert derived_id("pass-1", "opened") == derived_id("pass-1", "opened")
    assert derived_id("pass-1", "opened") != derived_id("pass-1", "closed")
    assert derived_id("pass-1", "opened") != derived_id("pass-2", "opened")
    assert len(derived_id("pass-1", 0)) == 26


@pytest.mark.parametrize(
    ("corners", "field"),
    [
        ((-0.1, 0.0, 1.0, 1.0), "x0"),  # left of the picture
        ((0.0, 0.0, 1.2, 1.0), "x1"),  # right of it
        ((0.0, 0.0, float("nan"), 1.0), "x1"),
    ],
)
def test_a_box_outside_the_picture_is_refused_and_the_corner_named(corners: tuple[float, ...], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Box(**dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True)))
    assert caught.value.errors()[0]["loc"] == (field,)


def test_a_box_with_swapped_corners_is_refused() -> None:
    with pytest.raises(ValidationError, match="expected x0 <= x1"):
        Box(x0=0.5, y0=0.0, x1=0.4, y1=1.0)


def test_times_become_utc_with_whole_milliseconds() -> None:
    shanghai = timezone(timedelta(hours=8))
    report = CameraReported(
        camera_id="c", at=datetime(2026, 1, 2, 11, 4, 5, 678_900, tzinfo=shanghai), state="live", skipped_frames=0
    )
    assert report.at == datetime(2026, 1, 2, 3, 4, 5, 679_000, tzinfo=UTC)
    assert '"at":"2026-01-02T03:04:05.679Z"' in report.model_dump_json()


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="time zone"):
        CameraReported(camera_id="c", at=datetime(2026, 1, 2), state="live")  # noqa: DTZ001 - the point of the test


def test_pixels_travel_beside_the_json_not_in_it() -> None:
    frame = FrameCaptured(
        frame_id="f", camera_id="c", owner="o", seq=1, captured_at=CAPTURED_AT, width=4, height=3, jpeg=b"\xff\xd8"
    )
    assert "jpeg" not in frame.model_dump_json()
    assert frame.jpeg == b"\xff\xd8"


def test_an_older_reader_survives_a_field_it_does_not_know() -> None:
    report = CameraReported.model_validate(
        {"camera_id": "c", "at": "2026-01-02T03:04:05Z", "state": "live", "invented_next_year": 1}
    )
    assert report.camera_id == "c"


def test_former_words_for_a_state_are_understood() -> None:
    said = {"live": "online", "down": "offline", "connecting": "connecting", "paused": "paused"}
    for word, meant in said.items():
        report = CameraReported.model_validate({"camera_id": "c", "at": "2026-01-02T03:04:05Z", "state": word})
        assert (report.state, report.condition) == (word, meant)


def test_every_topic_is_named_once_and_versioned() -> None:
    topics = [kind.topic for kind in MESSAGES]
    assert len(set(topics)) == len(topics)
    for topic in topics:
        noun, verb, version = topic.split(".")
        assert noun
        assert verb.endswith(("d", "taken"))
        assert version == "v1"


def test_what_is_kept_for_ever_names_who_must_read_it() -> None:
    for kind in MESSAGES:
        if kind.retention.max_len is None:
            assert kind.retention.groups, f"{kind.__name__}: durable, but no group would ever free it"


def test_only_a_mask_worn_correctly_protects() -> None:
    assert [state for state in MaskState if state.protected] == [MaskState.WITH_MASK]
