"""Footage that can never be a row is buried; limits are written as people do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr, ValidationError

from miniprogram_api.footage import joined
from miniprogram_api.footage_record import checked_footage
from miniprogram_api.settings import Keep, Settings
from shared_kernel.errors import Poison
from shared_kernel.messages import FootageRecorded, derived_id

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
RECORDED = FootageRecorded(
    footage_id=derived_id("f", 1),
    camera_id=derived_id("c", 1),
    kind="clip",
    pass_id=derived_id("p", 1),
    started_at=BEGIN,
    ended_at=BEGIN + timedelta(seconds=10),
    key="footage/clips/x.mp4",
    boxes_key="footage/clips/x.json",
    mime="video/mp4",
    width=640,
    height=360,
    bytes=1,
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"camera_id": "gate"},
        {"footage_id": "x" * 27},
        {"pass_id": "1"},
        {"key": "k" * 256},
        {"key": ""},
        {"boxes_key": "路径"},
        {"mime": "m" * 65},
        {"ended_at": BEGIN},
    ],
    ids=str,
)
def test_what_can_never_be_a_row_is_buried(wrong: dict[str, Any]) -> None:
    checked_footage(RECORDED)
    with pytest.raises(Poison):
        checked_footage(RECORDED.model_copy(update=wrong))


def settings(text: str) -> Settings:
    return Settings(
        database_url=SecretStr("sqlite:///x"),
        service_token=SecretStr("s" * 40),
        ticket_key=SecretStr("t" * 40),
        jwt_key=SecretStr("j" * 40),
        url_key=SecretStr(Fernet.generate_key().decode()),
        keep_recordings=text,
    )


@pytest.mark.parametrize("text", ["", "7d", "100GB", "0d,1GB", "7 days, 1 GB", "9999d,1GB", "-1d,1GB"])
def test_a_limit_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(ValidationError, match="keep_recordings"):
        settings(text)


def test_a_limit_is_written_as_people_do() -> None:
    assert settings("3 d, 1.5 gb").keep_recordings == Keep(3, 1.5)


def test_spans_that_touch_or_overlap_are_one() -> None:
    def span(start_s: float, end_s: float) -> tuple[datetime, datetime]:
        return BEGIN + timedelta(seconds=start_s), BEGIN + timedelta(seconds=end_s)

    assert joined([]) == []
    assert joined([span(0, 60), span(20, 30), span(61, 90), span(93, 100)]) == [span(0, 90), span(93, 100)]
