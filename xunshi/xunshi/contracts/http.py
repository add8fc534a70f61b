"""OpenAPI documents of the services, from their apps. Nothing is connected: an app only says what it would answer."""

from __future__ import annotations

import json

from apiflask import APIFlask

from xunshi.contracts import apps


def documents() -> dict[str, str]:
    """One `openapi.json` a service, by path."""
    return {
        f"docs/reference/{service}.openapi.json": _document(make())
        for service, make in (
            ("miniprogram-api", apps.miniprogram_api),
            ("stream-service", apps.stream_service),
            ("inference-service", apps.inference_service),
            ("face-search", apps.face_search),
        )
    }


def _document(app: APIFlask) -> str:
    with app.app_context():
        return json.dumps(app.spec, indent=2, ensure_ascii=False) + "\n"
