"""Clips made once, and stream-service among its neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared_kernel.testing.rtsp import RtspServer
from tests.integration.stream_service.world import ApiDouble, StreamPart, write_clip


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `plain`, `small`, `b_frames`, `ten_bit`, `heavy` (H.264) and `hevc`, each .mp4."""
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "plain.mp4")
    write_clip(folder / "small.mp4", size=(320, 240))
    write_clip(folder / "b_frames.mp4", b_frames=2)
    write_clip(folder / "ten_bit.mp4", pix_fmt="yuv420p10le")
    write_clip(folder / "hevc.mp4", codec="libx265")
    write_clip(folder / "heavy.mp4", noise=True)
    return folder


@pytest.fixture
def api() -> Iterator[ApiDouble]:
    double = ApiDouble()
    double.start()
    yield double
    double.stop()


@pytest.fixture
def stream(tmp_path: Path, redis_url: str, api: ApiDouble, clips: Path) -> Iterator[StreamPart]:
    """A process of the service with no camera yet: `api.show(gate=url)` and `announce`."""
    (tmp_path / "clips").symlink_to(clips)
    with StreamPart(tmp_path, redis_url, api.url) as part:
        yield part
    log = part.log.read_text()
    assert "level=error" not in log, log[-3000:]


@pytest.fixture
def gate(rtsp_server: RtspServer, clips: Path, api: ApiDouble) -> RtspServer:
    """A camera `gate` that plays and is listed; it must exist before the service starts."""
    api.show(gate=rtsp_server.mount("gate", clips / "plain.mp4"))
    return rtsp_server
