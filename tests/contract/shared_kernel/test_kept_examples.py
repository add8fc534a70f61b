"""Every example of a message that was ever kept still parses, and says the same when it is written again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared_kernel.messages import MESSAGES, Message, Wire
from tests.contract.house import tree
from xunshi.contracts.messages import REPLIES

CONTRACTS = tree.ROOT / "shared-kernel" / "contracts"
KINDS: dict[str, type[Wire]] = {kind.topic: kind for kind in MESSAGES} | dict(REPLIES)
EXAMPLES = sorted(CONTRACTS.glob("*/examples/*.json"))


def parse(path: Path, **more: object) -> Wire:
    kind = KINDS[path.parents[1].name]
    values: dict[str, Any] = {**json.loads(path.read_text(encoding="utf-8")), **more}
    if issubclass(kind, Message) and kind.attachment:
        values[kind.attachment] = b"attached"
    return kind.model_validate(values)


def test_every_topic_keeps_an_example() -> None:
    assert {path.parents[1].name for path in EXAMPLES} == set(KINDS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_a_kept_example_parses(path: Path) -> None:
    parse(path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_what_is_written_again_says_the_same(path: Path) -> None:
    again = json.loads(parse(path).model_dump_json())
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert {name: again[name] for name in kept} == kept


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_fields_of_a_newer_sender_are_ignored(path: Path) -> None:
    assert parse(path, brand_new_field={"a": 1}) == parse(path)
