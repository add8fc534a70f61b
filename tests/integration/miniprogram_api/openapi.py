"""Checks an answer against the service's own OpenAPI document: the parts of JSON Schema that pydantic writes."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.routing import MapAdapter
from werkzeug.test import TestResponse

#: Other kinds of JSON, such as GeoJSON, have standards of their own.
_DOCUMENTED = ("application/json", "application/problem+json")
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def complaints(value: Any, schema: dict[str, Any], document: dict[str, Any], where: str = "$") -> list[str]:
    """What is wrong with `value`, by place."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return complaints(value, document["components"]["schemas"][name], document, where)
    if "anyOf" in schema:
        found = [complaints(value, one, document, where) for one in schema["anyOf"]]
        return [] if any(not one for one in found) else found[0]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} is none of {schema['enum']}"]
    kind = schema.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return [f"{where}: expected {kind}, got {value!r}"]
    if kind == "object":
        missing = [f"{where}.{name}: missing" for name in schema.get("required", []) if name not in value]
        known = schema.get("properties", {})
        unknown = [f"{where}.{name}: undocumented" for name in value if known and name not in known]
        inner = [
            one
            for name in value
            if name in known
            for one in complaints(value[name], known[name], document, f"{where}.{name}")
        ]
        return missing + unknown + inner
    if kind == "array" and "items" in schema and isinstance(schema["items"], dict):
        return [
            one for n, item in enumerate(value) for one in complaints(item, schema["items"], document, f"{where}[{n}]")
        ]
    return []


def check(answer: TestResponse, rules: MapAdapter, document: dict[str, Any], *, prefix: str = "/api/v1/") -> None:
    """Fail when a JSON answer is not as documented. Problems have one shape, whatever the route says."""
    request = answer.request
    if answer.mimetype not in _DOCUMENTED or not request.path.startswith(prefix):
        return
    if answer.mimetype == "application/problem+json":
        schema: dict[str, Any] = {"$ref": "#/components/schemas/Problem"}
    else:
        rule, _ = rules.match(request.path, request.method, return_rule=True)
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        responses = document["paths"][path][request.method.lower()]["responses"]
        schema = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
    found = complaints(answer.get_json(), schema, document)
    assert not found, f"{request.method} {request.path} {answer.status_code}: {found}"
