from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from inference_service.app import make_web
from shared_kernel.bus import Bus
from shared_kernel.testing import free_port


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """The web app with neither Redis nor weights."""
    return make_web(Bus(f"redis://127.0.0.1:{free_port()}/0"), tmp_path).test_client()


def test_models_are_listed_as_documented(client: FlaskClient) -> None:
    [model] = client.get("/infer/models").get_json()["items"]
    document = client.get("/infer/openapi.json").get_json()
    schema = document["components"]["schemas"]
    assert set(model) == set(schema["ModelList.ModelDocument"]["properties"])
    assert set(model["labels"][0]) == set(schema["ModelList.LabelDocument"]["properties"])
    assert "/infer/models" in document["paths"]


def test_labels_carry_words_for_people(client: FlaskClient) -> None:
    labels = client.get("/infer/models").get_json()["items"][0]["labels"]
    assert [label["name"] for label in labels] == ["with_mask", "without_mask", "mask_worn_incorrectly"]
    assert labels[1]["zh"] == "未佩戴口罩"


def test_readyz_names_what_is_missing(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    missing = answer.get_json()["missing"]
    assert set(missing) == {"redis", "weights"}
    assert "face_detection_yunet_2023mar.onnx" in missing["weights"]
    assert "xunshi models fetch" in missing["weights"]


def test_a_model_that_lacks_its_weights_says_so(client: FlaskClient) -> None:
    assert "yunet" in client.get("/infer/models").get_json()["items"][0]["missing"]


def test_it_lives_without_its_neighbours(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert b"http_requests_total" in client.get("/metrics").data


def test_the_viewer_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/infer/docs").get_data(as_text=True)
    assert re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page) == []
    assert "/infer/docs/files/swagger-ui-bundle.js" in page
