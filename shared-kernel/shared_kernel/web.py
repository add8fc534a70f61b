"""The web side that all services share: one app factory, one error shape, health, metrics, documentation.

Errors are RFC 9457 problem documents. `/healthz` says that the process lives, `/readyz` names what is missing,
`/metrics` speaks Prometheus; the gateway routes none of the three.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, cast

import flask_swagger_ui
from apiflask import APIFlask, HTTPError
from flask import Response, g, jsonify, request, send_from_directory
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from pydantic import BaseModel, Field
from werkzeug.exceptions import HTTPException as WerkzeugHTTPException
from werkzeug.routing import BaseConverter

from shared_kernel.errors import FieldProblem, Refused, Throttled, Unavailable, XunshiError
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import new_id

log = get_logger(__name__)

#: A readiness check: returns None when well, otherwise what is missing, in words.
Check = Callable[[], str | None]

#: Bodies beyond this are refused with 413 before they are read, bytes.
MAX_BODY_BYTES: Final = 20 * 1024 * 1024 + 64 * 1024
#: What a client is told to wait when a part is away, seconds.
RETRY_AFTER_S: Final = 2
_SWAGGER_FILES: Final = Path(flask_swagger_ui.__file__).parent / "dist"

_requests = Counter("http_requests_total", "Requests answered", ["service", "method", "route", "status"])
_seconds = Histogram("http_request_seconds", "Time to the first byte of the answer", ["service", "method", "route"])


class UlidConverter(BaseConverter):
    """`<ulid:name>`: path segments that can be an id; anything else is no route at all."""

    regex = "[0-7][0-9A-HJKMNP-TV-Z]{25}"


class FieldProblemDocument(BaseModel):
    field: str = Field(description="dotted path of the field, or its place in the request")
    message: str = Field(description="what was expected")


class Problem(BaseModel):
    """RFC 9457 problem document."""

    type: str = Field("about:blank", description="stable code of the problem, as a URI fragment")
    title: str = Field("", description="the kind of problem")
    status: int = Field(500, description="HTTP status")
    detail: str = Field("", description="this problem, for people")
    errors: list[FieldProblemDocument] = Field([], description="the fields that were wrong")


def problem(
    status: int, title: str, detail: str, *, code: str = "about:blank", errors: tuple[FieldProblem, ...] = ()
) -> Response:
    """A response with a problem document."""
    document = Problem(
        type=code if ":" in code else f"#{code}",
        title=title,
        status=status,
        detail=detail,
        errors=[FieldProblemDocument(field=error.field, message=error.message) for error in errors],
    )
    response = jsonify(document.model_dump())
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def create_app(
    service: str,
    *,
    prefix: str,
    title: str,
    checks: Mapping[str, Check],
    max_body_bytes: int = MAX_BODY_BYTES,
) -> APIFlask:
    """An app of `service` whose documentation lives under `prefix` (`/api`, `/live`, …).

    Args:
        service: Name in metrics and logs, such as `stream-service`.
        prefix: First path segment that the gateway routes here.
        title: Title of the OpenAPI document.
        checks: What `/readyz` asks, by name of the part.
        max_body_bytes: Larger bodies are answered with 413.
    """
    app = APIFlask(
        service,
        title=title,
        version=version("xunshi-shared-kernel"),
        spec_path=f"{prefix}/openapi.json",
        docs_path=f"{prefix}/docs",
    )
    app.config.update(
        MAX_CONTENT_LENGTH=max_body_bytes,
        MAX_FORM_MEMORY_SIZE=max_body_bytes,
        HTTP_ERROR_SCHEMA=Problem,
        VALIDATION_ERROR_SCHEMA=Problem,
        SWAGGER_UI_CSS=f"{prefix}/docs/files/swagger-ui.css",
        SWAGGER_UI_BUNDLE_JS=f"{prefix}/docs/files/swagger-ui-bundle.js",
        SWAGGER_UI_STANDALONE_PRESET_JS=f"{prefix}/docs/files/swagger-ui-standalone-preset.js",
        DOCS_FAVICON=f"{prefix}/docs/files/favicon-32x32.png",
        AUTO_OPERATION_ID=True,
        AUTO_SERVERS=False,
    )
    app.url_map.converters["ulid"] = UlidConverter
    app.json.sort_keys = False  # type: ignore[attr-defined]
    _add_documentation_files(app, prefix)
    _add_errors(app)
    _add_parser_errors(app)
    _add_health(app, service, checks)
    _add_measurement(app, service)
    return app


def client_address() -> str:
    """Network address of the client, as the gateway tells it; `unknown` where it tells none."""
    try:
        return str(ip_address((request.remote_addr or "").partition("%")[0]))
    except ValueError:
        return "unknown"


def _add_documentation_files(app: APIFlask, prefix: str) -> None:
    @app.get(f"{prefix}/docs/files/<path:name>")
    @app.doc(hide=True)
    def documentation_file(name: str) -> Response:
        return send_from_directory(_SWAGGER_FILES, name, max_age=86_400)


def _add_errors(app: APIFlask) -> None:
    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        answer = problem(error.status, error.title, error.detail, code=error.code, errors=error.fields)
        if isinstance(error, Throttled):
            answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer

    @app.errorhandler(Unavailable)
    def unavailable(error: Unavailable) -> Response:
        log.warning("part unavailable", extra=fields(part=error.part, reason=error.reason, path=request.path))
        detail = f"{error.part} does not answer; try again"
        answer = problem(503, "Temporarily unavailable", detail, code="unavailable")
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
        return answer

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        log.error("request failed", exc_info=error, extra=fields(path=request.path, request_id=g.get("request_id")))
        return problem(500, "Internal error", f"this is our fault; the log names request {g.get('request_id')}")

    @app.error_processor
    def invalid(error: HTTPError) -> Any:
        wrong = tuple(_wrong_fields(error.detail))
        detail = "; ".join(f"{one.field}: {one.message}" for one in wrong) or error.message or "Error"
        code = "validation" if wrong else "about:blank"
        return problem(error.status_code, error.message or "Error", detail, code=code, errors=wrong)

    # after the processor, which registers a handler for these that drops headers such as Allow
    @app.errorhandler(WerkzeugHTTPException)
    def refused_by_flask(error: WerkzeugHTTPException) -> Response:
        if error.code is None or error.code < HTTPStatus.BAD_REQUEST:  # a redirect is no problem
            return cast("Response", error.get_response())
        answer = problem(error.code, error.name, error.description or error.name)
        for name, value in error.get_headers():
            if name != "Content-Type":
                answer.headers[name] = value
        return answer


def _add_parser_errors(app: APIFlask) -> None:
    @app.errorhandler(RecursionError)
    def too_deep(_: RecursionError) -> Response:  # the JSON parser gives up on a body of brackets
        return problem(400, "Bad Request", "the body is nested too deeply")


def _wrong_fields(detail: Any) -> list[FieldProblem]:
    """APIFlask's `{location: {field: [message, …]}}` as a flat list."""
    if not isinstance(detail, dict):
        return []
    return [
        FieldProblem(location if field == "_schema" else str(field), "; ".join(map(str, messages)))
        for location, found in detail.items()
        if isinstance(found, dict)
        for field, messages in found.items()
    ]


def _add_health(app: APIFlask, service: str, checks: Mapping[str, Check]) -> None:
    @app.get("/healthz")
    @app.doc(hide=True)
    def healthz() -> dict[str, str]:
        return {"service": service, "status": "alive"}

    @app.get("/readyz")
    @app.doc(hide=True)
    def readyz() -> tuple[dict[str, Any], int]:
        missing = {name: reason for name, check in checks.items() if (reason := _asked(check)) is not None}
        return {"service": service, "ready": not missing, "missing": missing}, 503 if missing else 200

    @app.get("/metrics")
    @app.doc(hide=True)
    def metrics() -> Response:
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _asked(check: Check) -> str | None:
    try:
        return check()
    except XunshiError as error:
        return str(error)


def _add_measurement(app: APIFlask, service: str) -> None:
    @app.before_request
    def begin() -> None:
        g.started_at = time.perf_counter()
        g.request_id = new_id()

    @app.after_request
    def end(response: Response) -> Response:
        # the rule, not the path: ids in labels would make one series a camera
        route = request.url_rule.rule if request.url_rule else "(none)"
        _requests.labels(service, request.method, route, response.status_code).inc()
        _seconds.labels(service, request.method, route).observe(time.perf_counter() - g.get("started_at", 0.0))
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Request-Id"] = g.get("request_id", "")
        return response
