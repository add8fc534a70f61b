"""What to do about a face that cannot be enrolled."""

from __future__ import annotations

import re

from face_search.hints import HINTS, hint
from face_search.ports import QualityReason


def test_every_reason_has_a_hint_in_both_languages() -> None:
    assert set(HINTS) == set(QualityReason)
    for words in HINTS.values():
        assert re.search(r"[\u4e00-\u9fff]", words["zh-CN"])
        assert not re.search(r"[\u4e00-\u9fff]", words["en"])


def test_no_two_reasons_say_the_same() -> None:
    assert len({words["en"] for words in HINTS.values()}) == len(HINTS) == len({w["zh-CN"] for w in HINTS.values()})


def test_several_reasons_are_told_in_their_order() -> None:
    told = hint([QualityReason.DARK, QualityReason.TURNED], "en")
    assert told.index("dark") < told.index("turned")


def test_a_poor_face_without_a_reason_has_a_hint_too() -> None:
    assert "照片" in hint([], "zh-CN")
    assert "picture" in hint([], "en")
