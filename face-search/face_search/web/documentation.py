"""What the OpenAPI document says beyond the bodies: who may call a route, its forms, and how it refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from apiflask import APIFlask
from pydantic import BaseModel

from face_search.web.access import Rule, rule_of
from face_search.web.intake import Part, form_of, json_of
from shared_kernel.web import Problem

_SCHEMES: Final = {
    "access_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "service_token": {"type": "http", "scheme": "bearer"},
    "ticket": {"type": "apiKey", "in": "query", "name": "ticket"},
}
_REFUSALS: Final = {
    "400": "the body is no JSON, or no form, at all",
    "401": "no valid token or ticket",
    "403": "the permission is missing, or the password must be changed first",
    "404": "not there, or not for this user: one cannot tell which",
    "422": "a field is wrong, or a picture cannot be used; errors names it",
    "503": "a part is away; Retry-After says when to try again",
}


def describe(app: APIFlask) -> None:
    """Complete the document of `app` when it is made."""

    @app.spec_processor
    def complete(spec: Any) -> Any:
        components = spec.setdefault("components", {})
        components["securitySchemes"] = _SCHEMES
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, schema in (("Problem", problem), *problem.pop("$defs").items()):
            components.setdefault("schemas", {}).setdefault(name, schema)
        for route in app.url_map.iter_rules():
            rule, fields = rule_of(app, route.endpoint), form_of(app, route.endpoint)
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule)
            for method in route.methods or ():
                operation = spec["paths"].get(path, {}).get(method.lower())
                if operation is not None and rule is not None:
                    _complete(operation, rule, fields, in_path="{" in path)
                    _add_json(operation, json_of(app, route.endpoint), components["schemas"])
        spec["tags"] = [{"name": name} for name in dict.fromkeys(tag["name"] for tag in spec["tags"])]
        return spec


def _add_json(operation: dict[str, Any], body: type[BaseModel] | None, schemas: dict[str, Any]) -> None:
    if body is None:
        return
    schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, inner in {body.__name__: schema, **schema.pop("$defs", {})}.items():
        schemas.setdefault(name, inner)
    operation["requestBody"]["content"]["application/json"] = {
        "schema": {"$ref": f"#/components/schemas/{body.__name__}"}
    }


def _complete(operation: dict[str, Any], rule: Rule, fields: Mapping[str, Part] | None, *, in_path: bool) -> None:
    opened_by: list[dict[str, list[str]]] = [{"access_token": []}, {"service_token": []}]
    operation["security"] = [{"ticket": []}, *opened_by] if rule.ticket_for else opened_by
    operation["description"] = f"{operation.get('description', '')} Needs the permission `{rule.permission}`.".strip()
    body = fields is not None or "requestBody" in operation
    told = {"400": body, "404": in_path, "422": fields is not None}
    for status, words in _REFUSALS.items():
        if told.get(status, True):
            schema = {"$ref": "#/components/schemas/Problem"}
            content = {"application/problem+json": {"schema": schema}}
            operation["responses"].setdefault(status, {"description": words, "content": content})
    if fields is not None:
        content = operation.setdefault("requestBody", {"required": True, "content": {}})["content"]
        content["multipart/form-data"] = {"schema": _form_schema(fields)}


def _form_schema(fields: Mapping[str, Part]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: _field_schema(part) for name, part in fields.items()},
        "required": [name for name, part in fields.items() if part.required],
    }


def _field_schema(part: Part) -> dict[str, Any]:
    file = {"type": "string", "format": "binary"}
    if part.kind == "files":
        return {"type": "array", "items": file, "description": part.about}
    return {**(file if part.kind == "file" else {"type": "string"}), "description": part.about}
