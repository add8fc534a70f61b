"""Both runtimes answer alike, for all of our networks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="no torch build for this machine was found: OpenVINO has nobody to agree with")

from shared_kernel.vision import weights
from shared_kernel.vision.models.align import CROP_PX
from shared_kernel.vision.models.mask_reader import FINE_CROP_PX
from shared_kernel.vision.ports import Session
from shared_kernel.vision.sessions.face_network import FaceNetwork
from shared_kernel.vision.sessions.mask_state_network import FINE_STAGE_CHANNELS, MaskStateNetwork
from shared_kernel.vision.sessions.openvino import USES_BEFORE_FIXED, OpenVinoSession
from shared_kernel.vision.sessions.torch import TorchSession, has_cuda

TOLERANCE = 1e-3
HALF_TOLERANCE = 0.1

#: Three networks, each for two runtimes. Half of it is the larger state network: unsure faces are judged
#: better by it, and a clone needs it at once.
MAX_COMMITTED_BYTES = 6_000_000


@pytest.fixture(scope="module")
def openvino_session() -> OpenVinoSession:
    return OpenVinoSession(weights.MASK_STATE_OPENVINO)


@pytest.fixture(scope="module")
def torch_session() -> TorchSession:
    return TorchSession(MaskStateNetwork(), weights.MASK_STATE_TORCH)


@pytest.fixture(scope="module")
def fixing_session() -> OpenVinoSession:
    """One that keeps networks for two shapes."""
    return OpenVinoSession(weights.MASK_STATE_OPENVINO, fixed_shapes=2)


@pytest.fixture(scope="module", params=["openvino", "fixing", "torch"])
def session(request: pytest.FixtureRequest) -> Session:
    found: Session = request.getfixturevalue(f"{request.param}_session")
    return found


def _crops(count: int, seed: int = 0, crop_px: int = CROP_PX) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    smooth = np.kron(rng.uniform(0, 255, (count, 3, 8, 8)), np.ones((1, 1, crop_px // 8, crop_px // 8)))
    return np.clip(smooth + rng.normal(0, 20, smooth.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("count", [1, 2, 7, 32])
def test_the_runtimes_agree(openvino_session: OpenVinoSession, torch_session: TorchSession, count: int) -> None:
    for crops in (_crops(count), np.zeros_like(_crops(count)), np.full_like(_crops(count), 255)):
        first, second = openvino_session.run(crops)[0], torch_session.run(crops)[0]
        assert first.shape == second.shape == (count, 3)
        assert np.abs(first - second).max() < TOLERANCE


@pytest.mark.parametrize("count", [1, 2, 7, 32])
def test_the_runtimes_agree_on_the_second_look(count: int) -> None:
    first = OpenVinoSession(weights.MASK_STATE_FINE_OPENVINO)
    second = TorchSession(MaskStateNetwork(stage_channels=FINE_STAGE_CHANNELS), weights.MASK_STATE_FINE_TORCH)
    smooth = _crops(count, crop_px=FINE_CROP_PX)
    for crops in (smooth, np.zeros_like(smooth), np.full_like(smooth, 255)):
        one, other = first.run(crops)[0], second.run(crops)[0]
        assert one.shape == other.shape == (count, 3)
        assert np.abs(one - other).max() < TOLERANCE


@pytest.mark.parametrize(("height", "width"), [(64, 64), (384, 704), (608, 448)])
def test_the_runtimes_agree_on_faces(height: int, width: int) -> None:
    first = OpenVinoSession(weights.FACE_DETECTOR_OPENVINO)
    second = TorchSession(FaceNetwork(), weights.FACE_DETECTOR_TORCH)
    pictures = np.random.default_rng(3).integers(0, 256, (2, 3, height, width), dtype=np.uint8)
    for one, other in zip(first.run(pictures), second.run(pictures), strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() < TOLERANCE * max(1.0, float(np.abs(other).max()))


@pytest.mark.skipif(not has_cuda(), reason="no GPU is seen")
def test_the_gpu_agrees_with_the_cpu(torch_session: TorchSession) -> None:
    gpu = TorchSession(MaskStateNetwork(), weights.MASK_STATE_TORCH, "cuda")
    assert np.abs(gpu.run(_crops(8))[0] - torch_session.run(_crops(8))[0]).max() < TOLERANCE


@pytest.mark.skipif(not has_cuda(), reason="no GPU is seen")
def test_half_precision_on_the_gpu_names_the_same_states(torch_session: TorchSession) -> None:
    half = TorchSession(MaskStateNetwork(), weights.MASK_STATE_TORCH, "cuda", precision="half").run(_crops(32))[0]
    full = torch_session.run(_crops(32))[0]
    assert np.abs(half - full).max() < HALF_TOLERANCE
    sure = np.sort(full, axis=1)[:, -1] - np.sort(full, axis=1)[:, -2] > 2 * HALF_TOLERANCE
    assert (half.argmax(axis=1) == full.argmax(axis=1))[sure].all()


def test_tuning_for_many_answers_does_not_change_them(openvino_session: OpenVinoSession) -> None:
    many = OpenVinoSession(weights.MASK_STATE_OPENVINO, mode="throughput")
    assert np.abs(many.run(_crops(5))[0] - openvino_session.run(_crops(5))[0]).max() < TOLERANCE


def test_forgetting_how_shapes_are_computed_does_not_change_answers(openvino_session: OpenVinoSession) -> None:
    forgetful = OpenVinoSession(weights.MASK_STATE_OPENVINO, kept_operations=1)
    for count in (1, 5, 2, 5, 1):
        assert np.abs(forgetful.run(_crops(count))[0] - openvino_session.run(_crops(count))[0]).max() < TOLERANCE


def test_a_crop_is_judged_the_same_alone_and_in_a_batch(session: Session) -> None:
    crops = _crops(5)
    together = session.run(crops)[0]
    for index in range(5):
        assert np.abs(session.run(crops[index : index + 1])[0][0] - together[index]).max() < TOLERANCE


def test_answers_do_not_change_with_use(session: Session) -> None:
    """OpenVINO compiles a shape anew once it was used often; nobody may notice, and no answer may be overwritten."""
    crops = _crops(3)
    first = session.run(crops)[0]
    kept = first.copy()
    for seed in range(USES_BEFORE_FIXED + 2):
        for count in (3, 1, 2, 4):
            session.run(_crops(count, seed + 1))
    assert np.array_equal(first, kept)
    assert np.abs(session.run(crops)[0] - kept).max() < TOLERANCE


def test_threads_do_not_change_answers() -> None:
    one, two = (OpenVinoSession(weights.MASK_STATE_OPENVINO, threads).run(_crops(4))[0] for threads in (1, 2))
    assert np.abs(one - two).max() < TOLERANCE


def test_inputs_of_a_wrong_shape_are_refused_with_their_shape(openvino_session: OpenVinoSession) -> None:
    with pytest.raises(ValueError, match=r"mask_state\.xml.*\(1, 4, 64, 64\)"):
        openvino_session.run(np.zeros((1, 4, CROP_PX, CROP_PX), np.uint8))


def test_inputs_of_a_wrong_type_are_refused_with_their_type(openvino_session: OpenVinoSession) -> None:
    with pytest.raises(ValueError, match=r"mask_state\.xml.*uint8.*float32"):
        openvino_session.run(np.zeros((1, 3, CROP_PX, CROP_PX), np.float32))


def test_the_order_in_memory_does_not_change_answers(session: Session) -> None:
    crops = _crops(4)
    as_pictures = np.ascontiguousarray(crops.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert np.abs(session.run(as_pictures)[0] - session.run(crops)[0]).max() < TOLERANCE


def test_the_committed_weights_stay_small() -> None:
    networks = (weights.FACE_DETECTOR_OPENVINO, weights.MASK_STATE_OPENVINO, weights.MASK_STATE_FINE_OPENVINO)
    files = [path.with_suffix(suffix) for path in networks for suffix in (".xml", ".bin", ".safetensors")]
    assert sum(file.stat().st_size for file in files) < MAX_COMMITTED_BYTES
