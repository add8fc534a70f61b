"""What the OpenAPI document says beyond the bodies: who may call a route, and how it refuses."""

from __future__ import annotations

import re
from typing import Any, Final

from apiflask import APIFlask

from miniprogram_api.access import PREFIX, Kind, rule_of

_SCHEMES: Final[dict[str, dict[str, str]]] = {
    "access_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "service_token": {"type": "http", "scheme": "bearer"},
    "ticket": {"type": "apiKey", "in": "query", "name": "ticket"},
}
_OPENED_BY: Final[dict[Kind, list[dict[str, list[str]]]]] = {
    "public": [],
    "user": [{"access_token": []}],
    "service": [{"service_token": []}],
    "ticket": [{"ticket": []}, {"access_token": []}],
}
_REFUSALS: Final = {
    "401": "no valid token or ticket",
    "403": "the role does not allow it, or the password must be changed first",
    "404": "not there, or not for this user: one cannot tell which",
    "429": "too many attempts; Retry-After says how long to wait",
    "503": "a part is away; Retry-After says when to try again",
}
_PHOTO: Final = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"image": {"type": "string", "format": "binary", "description": "at most 20 MiB"}},
                "required": ["image"],
            }
        },
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"image": {"type": "string", "description": "base64 of a picture, or a data URL"}},
                "required": ["image"],
            }
        },
    },
}

_FRAMES: Final = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "first_seq": {"type": "integer", "description": "place of the first frame in the order, from 0"},
                    "frames": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "description": "1 to 100 JPEG files in order, 8 MiB each, 20 MiB in all",
                    },
                    "captured_at": {
                        "type": "array",
                        "items": {"type": "string", "format": "date-time"},
                        "description": "when each was taken; now when left out",
                    },
                },
                "required": ["first_seq", "frames"],
            }
        }
    },
}


def describe(app: APIFlask) -> None:
    """Complete the document of `app` when it is made."""

    @app.spec_processor
    def complete(spec: Any) -> Any:
        spec.setdefault("components", {})["securitySchemes"] = _SCHEMES
        for route in app.url_map.iter_rules():
            rule = rule_of(app, route.endpoint)
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule)
            for method in route.methods or ():
                operation = spec["paths"].get(path, {}).get(method.lower())
                if operation is None or rule is None:
                    continue
                operation["security"] = _OPENED_BY[rule.kind]
                needs = f"Needs the permission `{rule.permission}`." if rule.permission else ""
                if needs or "description" in operation:
                    operation["description"] = f"{operation.get('description', '')} {needs}".strip()
                for status in _refusals(path, rule.kind):
                    operation["responses"].setdefault(status, _refusal(status))
        spec["paths"][f"{PREFIX}/detections"]["post"]["requestBody"] = _PHOTO
        spec["paths"][f"{PREFIX}/frame-batches/{{batch_id}}/frames"]["post"]["requestBody"] = _FRAMES
        return spec


def _refusals(path: str, kind: Kind) -> list[str]:
    found = ["401", "503"]
    if kind == "user":
        found.append("403")
    if "{" in path:
        found.append("404")
    if path.endswith(("/auth/login", "/me/password")):
        found.append("429")
    return found


def _refusal(status: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": _REFUSALS[status], "content": {"application/problem+json": {"schema": schema}}}
