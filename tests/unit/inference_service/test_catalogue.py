from __future__ import annotations

import re

import pytest

from inference_service.models.catalogue import MODELS, find
from inference_service.rules import MASK_STATES
from shared_kernel.errors import NotFound


def test_the_mask_model_names_every_state_in_both_languages() -> None:
    labels = find("mask").labels
    assert [label.name for label in labels] == list(MASK_STATES)
    for label in labels:
        assert label.en.isascii()
        assert re.search(r"[\u4e00-\u9fff]", label.zh)
        assert re.fullmatch(r"#[0-9a-f]{6}", label.colour)
        assert label.protected == (label.name == "with_mask")


def test_a_model_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(NotFound, match=r"helmet.*mask"):
        find("helmet")


def test_names_are_unique() -> None:
    assert len({card.name for card in MODELS}) == len(MODELS)
