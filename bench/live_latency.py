"""Live view through the gateway: how far a viewer's picture is behind the camera, and what thirty viewers cost.

Each picture carries its number; the camera server says when it began to play. The viewer decodes what it gets, as a
browser does; drawing is not included (some 20 ms).
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import av
import numpy as np
from simple_websocket import Client, ConnectionClosed

from bench.cameras import used
from bench.figure import Figure
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import Playback, RtspServer
from xunshi.testing import RunningStack

WIDTH, HEIGHT, FPS, PICTURES = 1280, 720, 25, 250
BITS, BAR_PX = 16, WIDTH // 16
MEASURED_S, WARM_UP_S = 20.0, 3.0
VIEWERS = 30
#: What is promised: less than half a second behind; thirty viewers for a tenth of a core.
PROMISED_S, PROMISED_CORES = 0.5, 0.1
PARTS = ("stream", "gateway")


def figures() -> Iterator[Figure]:
    """Seconds behind the camera, and cores for thirty viewers (stream-service and gateway)."""
    with tempfile.TemporaryDirectory() as folder, RtspServer() as camera, RunningStack(Path(folder) / "data") as stack:
        client = stack.client()
        camera_id = client.add_camera("bench", camera.mount("bench", write(Path(folder) / "counted.mp4")))
        wait_until(lambda: client.camera(camera_id)["state"] == "online", 30, "the camera is live")

        def address() -> str:
            path: str = client.post(f"/cameras/{camera_id}/play-ticket", {})["stream_url"]
            return path if path.startswith("ws") else stack.url.replace("http", "ws", 1) + path

        behind = sorted(watch(address(), camera.plays[-1]))
        yield Figure("live view behind, p50", statistics.median(behind), PROMISED_S, "s")
        yield Figure("live view behind, p95", behind[int(0.95 * len(behind))], PROMISED_S, "s")
        groups = {part.pid for part in stack.state().parts if part.pid and part.name.startswith(PARTS)}
        alone = used(groups, MEASURED_S)
        viewers = [Viewer(address()) for _ in range(VIEWERS)]
        time.sleep(WARM_UP_S)
        cost = used(groups, MEASURED_S) - alone
        for viewer in viewers:
            viewer.close()
        yield Figure(f"live view, {VIEWERS} viewers", cost, PROMISED_CORES, "cores")


def write(path: Path) -> Path:
    """Pictures with their number as 16 white or black bars along the upper edge."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "g": str(FPS), "bf": "0", "sc_threshold": "0"}
        for number in range(PICTURES):
            picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            for bit in range(BITS):
                picture[: HEIGHT // 8, bit * BAR_PX : (bit + 1) * BAR_PX] = 255 if number >> bit & 1 else 0
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


class Viewer:
    """A live view as a file that grows; `read` waits for more, and ends after `close`."""

    def __init__(self, address: str) -> None:
        self._socket: Any = Client(address)
        self._waiting: SimpleQueue[bytes] = SimpleQueue()
        self._rest = b""
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        try:
            while True:
                message = self._socket.receive()
                if isinstance(message, bytes):
                    self._waiting.put(message)
        except ConnectionClosed:
            self._waiting.put(b"")

    def read(self, size: int = -1) -> bytes:
        self._rest = self._rest or self._waiting.get()
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def close(self) -> None:
        if self._socket.connected:
            self._socket.close()


def watch(address: str, playback: Playback) -> list[float]:
    """Seconds behind of each picture after the first ones."""
    viewer, behind, began_s = Viewer(address), list[float](), time.monotonic()
    with av.open(viewer, "r", format="mp4", options={"probesize": "2048", "analyzeduration": "0"}) as container:
        for frame in container.decode(video=0):
            now_s = time.time()
            row = frame.to_ndarray(format="gray")[HEIGHT // 16]
            number = sum(1 << bit for bit in range(BITS) if row[bit * BAR_PX + BAR_PX // 2] > 127)
            left_s = playback.started_at + number / FPS
            if time.monotonic() - began_s > WARM_UP_S:
                behind.append((now_s - left_s) % playback.duration_s)
            if time.monotonic() - began_s > WARM_UP_S + MEASURED_S:
                break
    viewer.close()
    return behind
