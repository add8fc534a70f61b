"""`model.yaml` from bytes to a `Manifest`, or to words that say what is wrong with it. Written for files of strangers.

Plain YAML only: no aliases (a few lines of them unfold to gigabytes), no tags, no key twice, few levels. Values that
look like numbers, true, false or null are these; everything else is text.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import yaml
from pydantic import ValidationError

from inference_service.packs.manifest import Manifest
from inference_service.packs.problem import BadPack, Problem, bad

#: Name of the file in a pack's folder.
FILE_NAME: Final = "model.yaml"

#: Longer manifests are not read; 2000 labels with words in two languages need less.
MAX_BYTES: Final = 256 * 1024

#: Levels of lists and maps inside each other; a manifest has five.
MAX_DEPTH: Final = 12

#: The most problems that are told at once.
_MAX_PROBLEMS: Final = 10

#: Longer values are cut in errors, characters.
_MAX_SHOWN_CHARS: Final = 60

_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][-+]?[0-9]{1,3})?")
_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}


def read(pack: str, data: bytes) -> Manifest:
    """Read a manifest.

    Args:
        pack: what the pack is called in errors.
        data: the bytes of model.yaml.

    Raises:
        BadPack: every problem found, by field.
    """
    if len(data) > MAX_BYTES:
        raise bad(pack, FILE_NAME, f"expected at most {MAX_BYTES} bytes, got {len(data)}")
    try:
        node = _Composer(data.decode("utf-8-sig")).get_single_node()
        content = None if node is None else _plain(node)
    except UnicodeDecodeError as error:
        raise bad(pack, FILE_NAME, f"expected UTF-8, got something else at byte {error.start}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise bad(pack, FILE_NAME, f"expected plain YAML, got: {' '.join(str(error).split())[:300]}") from error
    if not isinstance(content, dict):
        raise bad(pack, FILE_NAME, f"expected fields such as `name: …`, got {_shown(content)}")
    try:
        # By way of JSON: its strict reading takes lists for tuples, yet turns no text into a number.
        return Manifest.model_validate_json(json.dumps(content))
    except ValidationError as error:
        raise BadPack(pack, *map(_problem, _causes(error.errors())[:_MAX_PROBLEMS])) from error


class _NotPlain(ValueError):
    """Something that a manifest has no use for."""


class _Composer(yaml.SafeLoader):
    """Composes nodes, refusing aliases and anchors before anything is unfolded."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.events.AliasEvent) or getattr(event, "anchor", None):
            raise _NotPlain(f"an alias or anchor in line {event.start_mark.line + 1}")
        if getattr(event, "tag", None) is not None:
            raise _NotPlain(f"a tag in line {event.start_mark.line + 1}")
        self.levels = getattr(self, "levels", 0) + 1
        if self.levels > MAX_DEPTH:
            raise _NotPlain(f"more than {MAX_DEPTH} levels in line {event.start_mark.line + 1}")
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _NotPlain(f"a key that is no word in line {key.start_mark.line + 1}")
            if key.value in found:
                raise _NotPlain(f"{key.value[:40]!r} twice in line {key.start_mark.line + 1}")
            found[key.value] = _plain(value)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(value) for value in node.value]
    written_plain = isinstance(node, yaml.ScalarNode) and node.style is None
    return _value(node.value) if written_plain else node.value


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _causes(errors: Sequence[Any]) -> list[Any]:
    """Leave out that a list is too short when it is so only because its items are wrong."""
    places = [error["loc"] for error in errors]
    return [
        error
        for error in errors
        if error["type"] != "too_short" or not any(p[: len(error["loc"])] == error["loc"] != p for p in places)
    ]


def _problem(error: Any) -> Problem:
    places = [str(part) for part in error["loc"] if not _is_kind(part)]
    field = ".".join(places) or "model.yaml"
    message = str(error["msg"])
    got = f", got {_shown(error['input'])}"
    if error["type"] == "missing":
        return Problem(field, "expected a value, got none")
    if error["type"] == "extra_forbidden":
        return Problem(field, f"expected no field of this name{got}")
    if error["type"] == "value_error":
        words = message.removeprefix("Value error, ")
        named, _, rest = words.partition(": ")
        return Problem(named, rest) if rest.startswith("expected") else Problem(field, words)
    if error["type"] == "union_tag_invalid":
        return Problem(f"{field}.kind", f"expected one of {error['ctx']['expected_tags']}, got {error['ctx']['tag']!r}")
    if error["type"] == "union_tag_not_found":
        return Problem(f"{field}.kind", "expected a kind, got none")
    message = message.removeprefix("Input should be ").removeprefix("Input should ").removeprefix("String should ")
    hint = " (put it in quotes)" if error["type"] == "string_type" and isinstance(error["input"], int | float) else ""
    return Problem(field, f"expected {message}{got}{hint}")


def _is_kind(part: Any) -> bool:
    """Pydantic puts the name of the chosen kind into the path of a field."""
    return part in ("yolov5", "yolov8", "yolo11", "picodet", "yunet", "yolox", "ssd", "classifier", "mask")


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a map" if isinstance(value, dict) else f"a list of {len(value)}"
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN_CHARS else f"{text[: _MAX_SHOWN_CHARS - 1]}…"
