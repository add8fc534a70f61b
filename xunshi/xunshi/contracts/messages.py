"""The bus: a JSON Schema for each topic, and the reference page of all. From `shared_kernel.messages`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from shared_kernel.messages import MESSAGES, Message, PhotoAnalysed, Wire

#: Answers that travel outside topics, by the folder of their contract.
REPLIES: Mapping[str, type[Wire]] = {"photo.analysed.v1": PhotoAnalysed}

_HEAD = """\
# Messages

Generated from `shared-kernel/shared_kernel/messages.py` by `make contracts`. Every topic has its JSON Schema and kept
examples under `shared-kernel/contracts/<topic>/`; each example ever kept must still parse.
"""


def documents() -> dict[str, str]:
    """Schemas and the page, by path."""
    kinds: dict[str, type[Wire]] = {kind.topic: kind for kind in MESSAGES} | dict(REPLIES)
    found = {f"shared-kernel/contracts/{topic}/schema.json": _schema(topic, kind) for topic, kind in kinds.items()}
    found["docs/reference/messages.md"] = _page(kinds)
    return found


def _schema(topic: str, kind: type[Wire]) -> str:
    schema = kind.model_json_schema(mode="serialization")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"xunshi:{topic}"}
    return json.dumps({**head, **schema}, indent=2, ensure_ascii=False) + "\n"


def _page(kinds: Mapping[str, type[Wire]]) -> str:
    blocks = [_HEAD]
    for topic, kind in kinds.items():
        blocks.append(f"## {topic}\n\n`{kind.__name__}`: {_first_paragraph(kind)}\n\n{_retention(kind)}\n")
        blocks.append(_fields_table(kind))
    return "\n".join(blocks)


def _first_paragraph(kind: type[Wire]) -> str:
    return " ".join((kind.__doc__ or "").strip().split("\n\n")[0].split())


def _retention(kind: type[Wire]) -> str:
    if not issubclass(kind, Message):
        return "A reply to one waiting caller, not a topic; expires."
    max_len, groups = kind.retention
    kept = "durable: kept until every group has it" if max_len is None else f"lossy: about {max_len} newest"
    attachment = f" Beside the JSON travels `{kind.attachment}`, as bytes." if kind.attachment else ""
    return f"Retention {kept}. Read by: {', '.join(groups) or 'whoever listens (broadcast)'}.{attachment}"


def _fields_table(kind: type[Wire]) -> str:
    schema = kind.model_json_schema(mode="serialization")
    rows = ["| field | type | meaning |", "|---|---|---|"]
    for name, field in cast("dict[str, Any]", schema["properties"]).items():
        rows.append(f"| `{name}` | {_type(field)} | {field.get('description', '')} |")
    return "\n".join(rows) + "\n"


def _type(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(_type(one) for one in field["anyOf"])
    if "enum" in field:
        return " or ".join(f"`{one}`" for one in field["enum"])
    if field.get("type") == "array":
        items = field.get("items", {})
        return f"list of {_type(items)}" if items else _tuple(field.get("prefixItems", ()))
    return str(field.get("format") or field.get("type", "any"))


def _tuple(items: Iterable[Mapping[str, Any]]) -> str:
    return f"({', '.join(_type(one) for one in items)})"
