"""SFace gives the same vectors on each runtime, and only SFace's weights fit its layers in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from face_search import weights
from face_search.models.card import SFACE_CARD
from face_search.models.embedding import BATCH, FaceEmbedder
from face_search.models.upright import UPRIGHT_PX
from shared_kernel.artifacts import fetch_all, load
from shared_kernel.errors import ArtifactError
from shared_kernel.testing.missing import skip_or_fail
from shared_kernel.vision.ports import Session
from shared_kernel.vision.sessions.openvino import constants
from shared_kernel.vision.sessions.openvino_pack import OpenVinoPackSession


@pytest.fixture(scope="module")
def network(cache: Path) -> Path:
    try:
        fetch_all(load(weights.WEIGHTS_LIST), cache / "weights")
    except ArtifactError as error:
        skip_or_fail(str(error))
    return cache / "weights" / weights.SFACE


@pytest.fixture(scope="module")
def on_openvino(network: Path) -> Session:
    return OpenVinoPackSession(network, "onnx", shape=(-1, 3, UPRIGHT_PX, UPRIGHT_PX))


def on_torch(network: Path, device: str) -> Session:
    pytest.importorskip("torch", reason="no torch build for this machine was found")
    from face_search.sessions.sface_network import SFaceNetwork
    from shared_kernel.vision.sessions.torch import TorchSession, has_cuda

    if device == "cuda" and not has_cuda():
        pytest.skip("no GPU is seen")
    return TorchSession(SFaceNetwork().take(constants(network)), None, device)


def faces(count: int) -> list[NDArray[np.uint8]]:
    """Noise of many contrasts: every layer is driven hard."""
    rng = np.random.default_rng(11)
    shape = (UPRIGHT_PX, UPRIGHT_PX, 3)
    return [np.asarray(np.clip(rng.normal(128, 10 + 5 * one, shape), 0, 255), np.uint8) for one in range(count)]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_torch_and_openvino_give_the_same_vectors(network: Path, on_openvino: Session, device: str) -> None:
    count = BATCH + 3
    first = FaceEmbedder(on_openvino, SFACE_CARD).embed(faces(count))
    second = FaceEmbedder(on_torch(network, device), SFACE_CARD).embed(faces(count))
    assert first.shape == (count, 128)
    assert np.abs(first - second).max() < 1e-4
    assert np.abs(first @ first.T - np.eye(count)).max() > 0.1  # they are no constant


def test_a_batch_changes_no_vector(on_openvino: Session) -> None:
    embedder = FaceEmbedder(on_openvino, SFACE_CARD)
    together = embedder.embed(faces(5))
    alone = np.concatenate([embedder.embed([face]) for face in faces(5)])
    assert np.abs(together - alone).max() < 1e-5


def test_weights_of_another_network_do_not_fit(network: Path) -> None:
    pytest.importorskip("torch", reason="no torch build for this machine was found")
    from face_search.sessions.sface_network import SFaceNetwork

    given = constants(network)
    with pytest.raises(ValueError, match="expected 174 tensors, got 173"):
        SFaceNetwork().take(given[:-1])
    with pytest.raises(ValueError, match=r"weights of SFace: expected \(32, 3, 3, 3\), got"):
        SFaceNetwork().take([*given[:2], *reversed(given[2:])])


@pytest.mark.parametrize(
    "face",
    [
        np.zeros((UPRIGHT_PX, UPRIGHT_PX), np.uint8),
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((UPRIGHT_PX, UPRIGHT_PX, 3), np.float32),
    ],
    ids=["grey", "small", "floats"],
)
def test_what_is_no_upright_face_is_refused(on_openvino: Session, face: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="expected 112 x 112 x 3 uint8"):
        FaceEmbedder(on_openvino, SFACE_CARD).embed([face])
