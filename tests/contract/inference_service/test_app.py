from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from inference_service.app import make_web
from inference_service.settings import Settings
from inference_service.web.service import WebService
from shared_kernel.testing import free_port


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    """The web app with neither Redis, nor weights, nor an API that knows users."""
    settings = Settings(
        redis_url=f"redis://127.0.0.1:{free_port()}/0",
        api_url=f"http://127.0.0.1:{free_port()}",
        blobs_url=f"file://{tmp_path}/blobs",
        service_token=SecretStr("s" * 40),
        ticket_key=SecretStr("t" * 40),
        weights_dir=tmp_path / "weights",
        packs_dir=tmp_path / "packs",
    )
    service = WebService(settings)
    yield make_web(service.parts).test_client()
    service.close()


def test_models_are_listed_as_documented(client: FlaskClient) -> None:
    answer = client.get("/infer/models").get_json()
    model = answer["items"][0]
    document = client.get("/infer/openapi.json").get_json()
    schema = document["components"]["schemas"]
    assert set(model) == set(schema["ModelList.ModelDocument"]["properties"])
    assert set(answer) == set(schema["ModelList"]["properties"])
    assert set(model["labels"][0]) == set(schema["ModelList.LabelDocument"]["properties"])
    assert "/infer/models" in document["paths"]


def model_named(client: FlaskClient, name: str) -> dict[str, Any]:
    [found] = [model for model in client.get("/infer/models").get_json()["items"] if model["name"] == name]
    assert isinstance(found, dict)
    return found


def test_labels_carry_words_for_people(client: FlaskClient) -> None:
    mask = model_named(client, "mask")
    assert (mask["task"], mask["default"]) == ("state", True)
    labels = mask["labels"]
    assert [label["name"] for label in labels] == ["with_mask", "without_mask", "mask_worn_incorrectly"]
    assert labels[1]["zh"] == "未佩戴口罩"
    assert [label["violation"] for label in labels] == [False, True, True]
    assert [label["protected"] for label in labels] == [True, False, False]


def test_a_pack_that_comes_or_goes_while_the_service_runs_is_shown(client: FlaskClient, tmp_path: Path) -> None:
    assert client.get("/infer/models").get_json()["broken"] == []
    (tmp_path / "packs" / "helmet").mkdir(parents=True)
    [broken] = client.get("/infer/models").get_json()["broken"]
    assert broken == {"name": "helmet", "version": "", "reason": "model.yaml: expected a file of this name, got none"}
    (tmp_path / "packs" / "helmet").rmdir()
    assert client.get("/infer/models").get_json()["broken"] == []


def test_readyz_names_what_is_missing(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    missing = answer.get_json()["missing"]
    assert set(missing) == {"redis"}


def test_a_model_that_lacks_its_weights_says_so(client: FlaskClient) -> None:
    assert "xunshi models fetch" in model_named(client, "coco80")["missing"]
    assert model_named(client, "mask")["missing"] is None


def test_it_lives_without_its_neighbours(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert b"http_requests_total" in client.get("/metrics").data


def test_the_viewer_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/infer/docs").get_data(as_text=True)
    assert re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page) == []
    assert "/infer/docs/files/swagger-ui-bundle.js" in page


def test_while_weights_are_missing_requests_may_come_again(client: FlaskClient) -> None:
    headers = {"Authorization": f"Bearer {'s' * 40}"}
    answer = client.post("/infer/detect?model=coco80", data={}, headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
