from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_kernel.cursors import (
    id_cursor,
    moment_cursor,
    read_id_cursor,
    read_moment_cursor,
    read_score_cursor,
    score_cursor,
)
from shared_kernel.errors import Invalid
from shared_kernel.messages import derived_id, new_id

MOMENTS = st.integers(0, 200_000_000_000_000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
IDS = st.integers().map(lambda n: derived_id("cursor", n))


@given(MOMENTS, IDS)
def test_a_cursor_comes_back_as_it_was(at: datetime, row_id: str) -> None:
    assert read_moment_cursor(moment_cursor(at, row_id)) == (at, row_id)
    assert read_id_cursor(id_cursor(row_id)) == row_id


@given(st.floats(-1, 1), IDS)
def test_a_score_comes_back_to_the_last_bit(score: float, row_id: str) -> None:
    assert read_score_cursor(score_cursor(score, row_id)) == (score, row_id)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_no_number_is_refused(score: float) -> None:
    with pytest.raises(Invalid):
        read_score_cursor(score_cursor(score, new_id()))


@given(st.text(max_size=64))
def test_any_other_text_is_refused_with_the_field_named(text: str) -> None:
    for read in (read_moment_cursor, read_id_cursor, read_score_cursor):
        with pytest.raises(Invalid) as refusal:
            read(text)
        assert refusal.value.fields[0].field == "after"


@given(MOMENTS, IDS, st.integers(0, 200), st.characters(codec="ascii"))
def test_a_changed_cursor_is_refused_or_another_valid_one(at: datetime, row_id: str, place: int, char: str) -> None:
    text = moment_cursor(at, row_id)
    changed = text[: place % len(text)] + char + text[place % len(text) + 1 :]
    try:
        found = read_moment_cursor(changed)
    except Invalid:
        return
    assert moment_cursor(*found) == changed


def test_cursors_of_one_list_do_not_fit_the_other() -> None:
    with pytest.raises(Invalid):
        read_moment_cursor(id_cursor(new_id()))
    with pytest.raises(Invalid):
        read_id_cursor(moment_cursor(datetime.now(UTC), new_id()))
    for other in (id_cursor(new_id()), moment_cursor(datetime.now(UTC), new_id())):
        with pytest.raises(Invalid):
            read_score_cursor(other)
    for read in (read_id_cursor, read_moment_cursor):
        with pytest.raises(Invalid):
            read(score_cursor(0.5, new_id()))
