"""Every service answers errors the same way, says what is missing, and leaks nothing."""

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel, ConfigDict

from shared_kernel.errors import Conflict, Invalid, NotFound, Throttled, Unavailable
from shared_kernel.web import create_app

SECRET = "rtsp://admin:hunter2@camera"


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: int


def _missing() -> str | None:
    return "connection refused"


def _well() -> str | None:
    return None


def _away() -> str | None:
    raise Unavailable("redis", "timed out")


@pytest.fixture
def client() -> FlaskClient:
    app = create_app("test-service", prefix="/api", title="Test", checks={"redis": _well}, max_body_bytes=1000)
    failures: dict[int, Exception] = {
        1: NotFound("order 1: no such order"),
        2: Unavailable("database", SECRET),
        3: ValueError(SECRET),
        4: Throttled("login: too many attempts", retry_after_s=7),
        5: Invalid.field("count", "expected an even number, got 5"),
        6: Conflict("order 6: exists", code="exists"),
    }

    @app.post("/api/v1/orders")
    @app.input(Order)
    @app.output(Order)
    def order(json_data: Order) -> Order:
        if json_data.count in failures:
            raise failures[json_data.count]
        return json_data

    return app.test_client()


@pytest.mark.parametrize(
    ("count", "status", "code"),
    [(1, 404, "#refused"), (2, 503, "#unavailable"), (4, 429, "#throttled"), (5, 422, "#invalid"), (6, 409, "#exists")],
)
def test_errors_become_problem_documents(client: FlaskClient, count: int, status: int, code: str) -> None:
    answer = client.post("/api/v1/orders", json={"count": count})
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert answer.json["status"] == status
    assert answer.json["type"] == code


def test_waiting_times_are_told(client: FlaskClient) -> None:
    assert client.post("/api/v1/orders", json={"count": 4}).headers["Retry-After"] == "7"
    assert int(client.post("/api/v1/orders", json={"count": 2}).headers["Retry-After"]) > 0


@pytest.mark.parametrize("count", [2, 3])
def test_neither_a_failure_nor_a_missing_part_leaks_its_details(client: FlaskClient, count: int) -> None:
    assert "hunter2" not in client.post("/api/v1/orders", json={"count": count}).text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"count": "many"}, "count"),  # wrong type
        ({}, "count"),  # missing
        ({"count": 9, "extra": 1}, "extra"),  # not asked for
    ],
)
def test_a_wrong_field_is_named(client: FlaskClient, body: object, field: str) -> None:
    answer = client.post("/api/v1/orders", json=body)
    assert answer.status_code == 422
    assert answer.json is not None
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{broken", 400), (b"\xff\xfe", 400), (b'{"count": ' + b"1" * 2000 + b"}", 413)],
    ids=["no json", "no text", "too large"],
)
def test_a_body_that_is_no_request_is_refused(client: FlaskClient, body: bytes, status: int) -> None:
    answer = client.post("/api/v1/orders", data=body, content_type="application/json")
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"


def test_unknown_paths_and_methods_are_problems_too(client: FlaskClient) -> None:
    assert client.get("/nowhere").mimetype == "application/problem+json"
    refused = client.delete("/api/v1/orders")
    assert (refused.status_code, refused.mimetype) == (405, "application/problem+json")
    assert "POST" in refused.headers["Allow"]


def test_readiness_names_what_is_missing() -> None:
    checks = {"redis": _away, "database": _missing, "store": _well}
    answer = create_app("s", prefix="/api", title="S", checks=checks).test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["missing"] == {
        "redis": "redis is not available: timed out",
        "database": "connection refused",
    }


def test_a_well_service_is_ready_alive_and_measured(client: FlaskClient) -> None:
    assert client.get("/readyz").status_code == 200
    assert client.get("/healthz").json == {"service": "test-service", "status": "alive"}
    client.post("/api/v1/orders", json={"count": 9})
    assert 'route="/api/v1/orders"' in client.get("/metrics").text


def test_documentation_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/api/docs").text
    assert "http://" not in page.replace("http://localhost", "")
    assert "https://cdn" not in page
    for file in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js"):
        assert f"/api/docs/files/{file}" in page
        with client.get(f"/api/docs/files/{file}") as found:
            assert found.status_code == 200


def test_the_openapi_document_describes_routes_and_problems(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    assert document is not None
    assert document["openapi"].startswith("3.1")
    assert "Problem" in document["components"]["schemas"]
    assert "servers" not in document  # the gateway's address is not ours to say
