"""What the OpenAPI document says beyond the answers: bodies with pictures, who may call, how it refuses, examples."""

from typing import Any, Final

from apiflask import APIFlask

from inference_service.web.intake import MAX_PICTURES

_SCHEMES: Final = {
    "access_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "service_token": {"type": "http", "scheme": "bearer"},
    "ticket": {"type": "apiKey", "in": "query", "name": "ticket"},
}
_BEARER: Final[list[dict[str, list[str]]]] = [{"access_token": []}, {"service_token": []}]
_REFUSALS: Final = {
    "401": "no valid token",
    "403": "the permission photo.detect is missing, or the password must be changed first",
    "413": "the request is beyond 64 MiB, or its only picture beyond 20 MiB or 50 megapixels",
    "422": "a wrong parameter, an unknown model, or the only picture cannot be read; errors names the field",
    "429": "too many pictures are being analysed; Retry-After says when to try again",
    "503": "a part is away; Retry-After says when to try again",
    "504": "no worker answered in time; Retry-After says when to try again",
}
_PICTURES: Final = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["image"],
                "properties": {
                    "image": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": MAX_PICTURES,
                        "items": {"type": "string", "format": "binary"},
                        "description": "the field is repeated; 20 MiB a picture, 64 MiB in all",
                    }
                },
            },
            "encoding": {"image": {"contentType": "image/jpeg, image/png, image/webp, image/avif, image/*"}},
        },
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["images"],
                "additionalProperties": False,
                "properties": {
                    "images": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": MAX_PICTURES,
                        "items": {"type": "string", "description": "base64 of a picture, or a data URL"},
                    }
                },
            },
            "example": {"images": ["data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD…"]},
        },
    },
}
_FACE: Final = {
    "label": "without_mask",
    "zh": "未佩戴口罩",
    "en": "no mask",
    "score": 0.9731,
    "box": [0.41203, 0.22431, 0.48912, 0.37205],
    "violation": True,
    "colour": "#d03050",
}
_DETECTED: Final = {
    "items": [
        {
            "index": 0,
            "width": 1280,
            "height": 720,
            "model": "mask",
            "version": "1.0",
            "elapsed_ms": 21.4,
            "boxes": [_FACE],
            "annotated": "/infer/annotated/01JD3R8H0Z6W9C4V5T7Q2K1M8N?ticket=eyJhbGciOi…",
            "error": None,
        },
        {
            "index": 1,
            "width": 0,
            "height": 0,
            "model": "",
            "version": "",
            "elapsed_ms": 0.0,
            "boxes": [],
            "annotated": None,
            "error": {"code": "truncated", "detail": "picture: ends too early or is damaged"},
        },
    ],
    "elapsed_ms": 38.2,
}
_CLASSIFIED: Final = {
    "items": [
        {
            **_DETECTED["items"][0],  # type: ignore[index]
            "model": "scene",
            "annotated": None,
            "boxes": [{**_FACE, "label": "corridor", "zh": "走廊", "en": "corridor", "box": [0, 0, 1, 1]}],
        }
    ],
    "elapsed_ms": 12.0,
}
_EXAMPLES: Final = {
    "/infer/detect": _DETECTED,
    "/infer/classify": _CLASSIFIED,
    "/infer/live-ticket": {"ticket": "eyJhbGciOi…", "expires_in": 60, "path": "/infer/live"},
}


def describe(app: APIFlask) -> None:
    """Complete the document of `app` when it is made."""

    @app.spec_processor
    def complete(spec: Any) -> Any:
        spec.setdefault("components", {})["securitySchemes"] = _SCHEMES
        paths = spec["paths"]
        for path, example in _EXAMPLES.items():
            operation = paths[path]["post"]
            operation["security"] = _BEARER
            operation["responses"]["200"]["content"]["application/json"]["example"] = example
            statuses = ("401", "403", "503") if path == "/infer/live-ticket" else tuple(_REFUSALS)
            for status in statuses:
                operation["responses"][status] = _refusal(status)
            if path != "/infer/live-ticket":
                operation["requestBody"] = _PICTURES
        opened = paths["/infer/annotated/{photo_id}"]["get"]
        opened["security"] = [{"ticket": []}]
        opened["responses"]["200"] = {
            "description": "the JPEG",
            "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
        }
        return spec


def _refusal(status: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": _REFUSALS[status], "content": {"application/problem+json": {"schema": schema}}}
