"""Every route, asked nonsense by everybody: a documented answer below 500, and a 422 names what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared_kernel.messages import new_id
from tests.integration.face_search.world import PERMISSIONS, World

#: What no parameter takes as it is.
WORDS = ("", "x", "-1", "0", "1e999", "\0", "\u202e?", "9" * 400, "' or 1=1 --")
#: What no field of a body takes, or few.
VALUES: tuple[Any, ...] = (None, -1, 1.5, "", "\0", [], {}, "9" * 3000)
#: Bodies that are no wish of anybody.
BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"data": b"{", "content_type": "application/json"},
    {"data": b"\xff\xfe", "content_type": "application/json"},
    {"data": b"[" * 2000, "content_type": "application/json"},
    {"json": None},
    {"json": []},
    {"json": "x"},
    {"json": {"x": {"y": [1, None]}}},
    {"data": {"x": "y"}},
    {"data": b"--x\r\nbroken", "content_type": "multipart/form-data; boundary=x"},
    {"data": b"x", "content_type": "text/plain"},
)


def routes(world: World) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path with ids of nobody, what the document says)."""
    for path, methods in world.document["paths"].items():
        for method, said in methods.items():
            if method != "parameters" and path.startswith("/faces/"):
                yield method.upper(), re.sub(r"{\w+}", lambda _: new_id(), path), said


def wrong_values(said: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """A body with one field of a wrong kind each."""
    content = said.get("requestBody", {}).get("content", {}).get(kind, {}).get("schema", {})
    for name in content.get("properties", {}):
        yield from ({name: value} for value in VALUES)


def asked(method: str, said: dict[str, Any], document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Requests that the route does not understand, or understands as little."""
    for one in said.get("parameters", []):
        if one["in"] == "query":
            yield from ({"query_string": {one["name"]: word}} for word in WORDS)
    yield {"query_string": {"no_such": "x"}}
    if method in ("POST", "PUT", "PATCH"):
        yield from BODIES
        named = dict(said)
        body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if "$ref" in body:
            schema = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
            named = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
        yield from ({"json": one} for one in wrong_values(named, "application/json"))
        for form in wrong_values(said, "multipart/form-data"):
            yield {"data": {name: str(value) for name, value in form.items()}}


def fault(answer: TestResponse, said: dict[str, Any]) -> str | None:
    """What is wrong with an answer."""
    status = str(answer.status_code)
    if answer.status_code >= 500:
        return f"{status}: {answer.text[:200]}"
    if status not in said["responses"]:
        return f"{status} is not documented, only {', '.join(said['responses'])}"
    if answer.status_code >= 400:
        if answer.mimetype != "application/problem+json":
            return f"{status}: expected a problem, got {answer.mimetype}"
        if answer.status_code == 422 and not answer.get_json().get("errors"):
            return f"422 names no field: {answer.get_json()['detail'][:120]}"
        if answer.status_code in (429, 503) and "Retry-After" not in answer.headers:
            return f"{status} without Retry-After"
    return None


@pytest.mark.parametrize("role", PERMISSIONS)
def test_nonsense_gets_a_documented_answer(quiet_world: World, role: str) -> None:
    token, faults = quiet_world.token(role), list[str]()
    for method, path, said in routes(quiet_world):
        for request in asked(method, said, quiet_world.document):
            # whoever may do nothing there is refused before anything is read: one question is enough
            answer = quiet_world.call(method, path, token, **request)
            wrong = fault(answer, said)
            if wrong is not None:
                faults.append(f"{method} {path} {str(request)[:120]}: {wrong}")
            if answer.status_code == 403:
                break
    assert not faults, "\n".join(faults)
