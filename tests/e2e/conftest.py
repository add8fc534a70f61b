"""A clip with known truth, a camera server that plays it, and the whole stack in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared_kernel import artifacts
from shared_kernel.errors import ArtifactError
from shared_kernel.testing.missing import skip_or_fail
from shared_kernel.testing.rtsp import RtspServer
from tests.e2e.scene import Scene, film
from xunshi.places import DASHBOARD, SAMPLES_LIST, WEIGHTS, WEIGHTS_LIST
from xunshi.testing import RunningStack


@pytest.fixture(scope="session")
def scene(cache: Path) -> Scene:
    """One person with a mask, then one without, then an empty gate for minutes."""
    try:
        artifacts.fetch_all(artifacts.load(WEIGHTS_LIST), WEIGHTS)
        if SAMPLES_LIST.is_file():
            artifacts.fetch_all(artifacts.load(SAMPLES_LIST), cache / "samples")
    except ArtifactError as error:
        skip_or_fail(str(error))
    if not (DASHBOARD / "index.html").is_file():
        skip_or_fail("the dashboard is not built: `make install`")
    return film(cache / "samples", cache / "demo")


@pytest.fixture
def gate(scene: Scene, rtsp_server: RtspServer) -> str:
    """Address of a camera that plays the scene, from its beginning for whoever connects."""
    return rtsp_server.mount("gate", *scene.clips)


@pytest.fixture(scope="module")
def lasting_stack(tmp_path_factory: pytest.TempPathFactory, scene: Scene) -> Iterator[RunningStack]:
    """One stack for all tests of a module, for those that leave it running."""
    with RunningStack(tmp_path_factory.mktemp("lasting") / "data") as running:
        yield running


@pytest.fixture
def stack(tmp_path: Path, scene: Scene) -> Iterator[RunningStack]:
    """The whole stack, without the demo camera, for one test."""
    with RunningStack(tmp_path / "data") as running:
        yield running
