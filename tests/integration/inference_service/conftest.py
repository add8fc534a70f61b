"""The real networks: the detector from the cache (fetched when it is not there), our own from the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inference_service import weights
from shared_kernel.artifacts import fetch_all, load
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.errors import ArtifactError
from shared_kernel.testing.missing import skip_or_fail
from shared_kernel.vision import networks
from shared_kernel.vision.models.mask_reader import MaskReader
from tests.integration.inference_service.processes import WorkerProcess


@pytest.fixture(scope="session")
def weights_dir(cache: Path) -> Path:
    folder = cache / "weights"
    try:
        fetch_all(load(weights.WEIGHTS_LIST), folder)
    except ArtifactError as error:
        skip_or_fail(str(error))
    return folder


@pytest.fixture(scope="session", params=["cpu", "cuda", "cuda in half precision"])
def reader(request: pytest.FixtureRequest, weights_dir: Path) -> MaskReader:
    """The model on the CPU; where there is a GPU also on that, with the same expectations."""
    if request.param == "cpu":
        return networks.mask_reader(device="cpu")
    need_gpu()
    tuning = networks.Tuning(precision="half" if "half" in request.param else "full")
    return networks.mask_reader(device="cuda", tuning=tuning)


def need_gpu() -> None:
    """Skip where torch or a GPU is missing."""
    torch = pytest.importorskip("torch", reason="no torch build for this machine was found")
    if not torch.cuda.is_available():
        pytest.skip("no GPU is seen")


@pytest.fixture
def worker(redis_url: str, tmp_path: Path, weights_dir: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess("worker", redis_url, tmp_path, weights_dir) as running:
        yield running


@pytest.fixture
def bus(redis_url: str) -> Iterator[Bus]:
    opened = Bus(redis_url)
    yield opened
    opened.close()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs.open(f"file://{tmp_path}/blobs")
