"""The settings of a camera in the whole service: what the API says of it is what happens."""

from __future__ import annotations

from pathlib import Path

import cv2
import httpx
import numpy as np

from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.messages import PassObserved
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import RtspServer
from tests.integration.stream_service.world import ApiDouble, StreamPart, canned_inference, ticket

WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]]
UPPER_THIRD = [[0, 0], [1, 0], [1, 0.34], [0, 0.34]]


def bars(jpeg: bytes) -> np.ndarray:
    """The part of a picture of `world.write_clip` that says its number, in black and white."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return np.asarray(picture[: picture.shape[0] // 8], np.uint8)


def test_zones_masks_and_rates_are_those_of_each_camera(
    rtsp_server: RtspServer, clips: Path, api: ApiDouble, redis_url: str, tmp_path: Path
) -> None:
    url = rtsp_server.mount("gate", clips / "plain.mp4")
    same = {"url": url, "model": "mask", "enabled": True, "decode": "all"}
    api.cameras = [
        {**same, "camera_id": "masked", "privacy_masks": [UPPER_THIRD]},
        {**same, "camera_id": "street", "zones": [{"name": "street", "kind": "exclude", "points": WHOLE}]},
        {
            **same,
            "camera_id": "slow",
            "analysed_fps": 0.5,
            "zones": [{"name": "a", "kind": "include", "points": WHOLE}],
        },
    ]
    passes = Bus(redis_url).subscribe(PassObserved, "miniprogram-api")
    with StreamPart(tmp_path, redis_url, api.url) as stream, canned_inference(redis_url) as seen:
        (delivery, *_) = wait_until(lambda: passes.receive(block_ms=100), 30, "a pass")
        found = delivery.message
        wait_until(lambda: sum(one.camera_id == "street" for one in seen) > 12, 30, "frames of the street")
        query = {"ticket": ticket("masked")}
        still = httpx.get(f"{stream.url}/live/cameras/masked/snapshot.jpg", params=query, timeout=10).content
        plain = httpx.get(
            f"{stream.url}/live/cameras/street/snapshot.jpg", params={"ticket": ticket("street")}, timeout=10
        ).content
        stream.stop()
        others = [one.message.camera_id for one in passes.receive(block_ms=500)]
    assert "street" not in {found.camera_id, *others}
    counted = {name: sum(one.camera_id == name for one in seen) for name in ("masked", "slow")}
    assert 0 < counted["slow"] < counted["masked"] / 4
    assert bars(plain).std() > 50, "a picture without masks has its bars"
    masked = next(one.jpeg for one in seen if one.camera_id == "masked")
    assert found.camera_id == "masked"
    scene = Blobs.open(f"file://{tmp_path / 'blobs'}").get(found.scene.key)
    for jpeg in (still, masked, scene):
        assert bars(jpeg).std() < 3
