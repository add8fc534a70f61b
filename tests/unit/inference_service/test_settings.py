from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from inference_service.settings import Settings, cpu_numbers

SECRETS: dict[str, Any] = {"service_token": "s" * 32, "ticket_key": "t" * 32}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("", set()), ("0", {0}), ("0-3", {0, 1, 2, 3}), ("0,2", {0, 2}), ("0-1,6,4-5", {0, 1, 4, 5, 6})],
)
def test_cpus_are_numbers_and_ranges(text: str, numbers: set[int]) -> None:
    assert cpu_numbers(Settings(**SECRETS, cpus=text).cpus) == numbers


@pytest.mark.parametrize("text", ["all", "-1", "0-", "0;1", "0--3", " 1", "1,"])
def test_other_words_for_cpus_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="expected numbers and ranges such as 0-3,6"):
        Settings(**SECRETS, cpus=text)
