"""The worker as a process of its own, and what it is given."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.messages import FrameCaptured, PhotoSubmitted, new_id
from shared_kernel.testing import free_port
from shared_kernel.testing.faces import DrawnFace, jpeg, scene
from shared_kernel.testing.parts import Part

FRAME = jpeg(scene(DrawnFace(200, 240, 140, "with_mask"), DrawnFace(460, 240, 140)))


class WorkerProcess(Part):
    """`python -m inference_service worker`."""

    def __init__(
        self, name: str, redis_url: str, folder: Path, weights_dir: Path, more: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
        environment = {
            "INFERENCE_REDIS_URL": redis_url,
            "INFERENCE_BLOBS_URL": f"file://{folder}/blobs",
            "INFERENCE_SERVICE_TOKEN": "s" * 32,
            "INFERENCE_TICKET_KEY": "t" * 32,
            "INFERENCE_WEIGHTS_DIR": str(weights_dir),
            "INFERENCE_DEVICE": "cpu",
            "INFERENCE_PORT": str(self.port),
            "INFERENCE_PACKS_DIR": str(folder / "packs"),
            **(more or {}),
        }
        command = [sys.executable, "-m", "inference_service", "worker"]
        super().__init__(
            name,
            command,
            ready=lambda: self.ask("/readyz")[0] == 200,
            log=folder / f"{name}.log",
            environment=environment,
        )

    def ask(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metric(self, line: str) -> float:
        for text in self.ask("/metrics")[1].splitlines():
            if text.startswith(line + " "):
                return float(text.rsplit(" ", 1)[1])
        return 0.0


def frame(seq: int = 1, age_s: float = 0.0, data: bytes = FRAME, camera: str = "") -> FrameCaptured:
    """A frame of a camera of its own, unless one is named."""
    return FrameCaptured(
        frame_id=new_id(),
        camera_id=camera or f"camera-{seq}",
        owner="stream-1",
        seq=seq,
        captured_at=now() - timedelta(seconds=age_s),
        width=1280,
        height=960,
        jpeg=data,
    )


def submit(bus: Bus, blobs: Blobs, data: bytes, seconds: float = 20, **asked: Any) -> str:
    """Put a photo where a worker finds it; the id under which the answer comes."""
    photo_id = new_id()
    key, deadline_at = f"photos/{photo_id}.jpg", now() + timedelta(seconds=seconds)
    blobs.put(key, data)
    photo = PhotoSubmitted(photo_id=photo_id, key=key, deadline_at=deadline_at, **asked)
    bus.publish(photo, route=photo.route)
    return photo_id
