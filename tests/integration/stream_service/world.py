"""What surrounds stream-service in its tests: clips, the API as it answers here, a canned inference, a process."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import av
import cv2
import httpx
import numpy as np
from simple_websocket import Client

from shared_kernel.auth import Ticket, sign_ticket
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.errors import Unavailable
from shared_kernel.messages import CameraReason, Face, FrameAnalysed, FrameCaptured
from shared_kernel.testing.parts import Part
from shared_kernel.testing.ports import free_port
from stream_service.adapters.pyav_camera import PyavFeed
from stream_service.adapters.pyav_decoder import PyavDecoder
from stream_service.addresses import Reach
from stream_service.pull import Pull
from stream_service.rules import CameraFailed

SERVICE_TOKEN, TICKET_KEY = "service-token-" + "s" * 32, "ticket-key-" + "t" * 32
#: How long `look` waits for a picture, seconds.
LOOK_S = 12.0
LOOPBACK = ip_network("127.0.0.0/8")
#: A face that the canned inference sees in every frame.
FACE = Face.model_validate(
    {"box": {"x0": 0.4, "y0": 0.3, "x1": 0.6, "y1": 0.7}, "score": 0.9, "state": "without_mask", "state_score": 0.95}
)


def reach(*roots: Path) -> Reach:
    """Cameras of this machine and files below `roots`."""
    return Reach(file_roots=roots, allowed=(LOOPBACK,))


@dataclass(frozen=True)
class Looked:
    """What the first picture of an address is like."""

    codec: str
    width: int
    height: int
    fps: float | None


def look(url: str, *roots: Path) -> Looked:
    """Open an address as capturing does, up to its first picture.

    Raises:
        CameraFailed: there is none.
    """
    pull = Pull(PyavFeed(url, reach(*roots)), "look", on_open=lambda _: None, on_packet=lambda _: None)
    until_s, decoder = time.monotonic() + LOOK_S, None
    for packet in pull.watched(lambda: time.monotonic() > until_s):
        if packet is not None and pull.info is not None:
            decoder = decoder or PyavDecoder(pull.info)
            for frame in decoder.decode(packet):
                return Looked(pull.info.codec, frame.width, frame.height, pull.info.fps)
    raise CameraFailed(CameraReason.TIMEOUT, f"camera: gave no picture within {LOOK_S} s")


def write_clip(
    path: Path,
    *,
    size: tuple[int, int] = (640, 360),
    seconds: float = 2.0,
    fps: int = 25,
    codec: str = "libx264",
    b_frames: int = 0,
    pix_fmt: str = "yuv420p",
    noise: bool = False,
) -> Path:
    """A moving picture whose upper edge carries the frame's number as 16 white or black bars."""
    width, height = size
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        stream: Any = out.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.time_base = Fraction(1, fps)
        if codec == "libx264":
            stream.options = {"preset": "veryfast", "g": str(fps), "bf": str(b_frames), "sc_threshold": "0"}
        if codec == "libx265":
            stream.options = {"preset": "ultrafast", "x265-params": f"keyint={fps}:log-level=none"}
        for number in range(int(seconds * fps)):
            picture = _picture(number, width, height)
            if noise:  # large packets
                picture[height // 2 :] = np.random.default_rng(number).integers(
                    0, 255, (height - height // 2, width, 3)
                )
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def _picture(number: int, width: int, height: int) -> np.ndarray:
    picture = np.full((height, width, 3), (60, 90, 40), np.uint8)
    at = round(width * (0.5 + 0.3 * np.cos(number / 10))), round(height * (0.6 + 0.2 * np.sin(number / 10)))
    cv2.circle(picture, at, height // 9, (40, 160, 240), -1)
    bar = width // 16
    for bit in range(16):
        colour = (255, 255, 255) if number >> bit & 1 else (0, 0, 0)
        cv2.rectangle(picture, (bit * bar, 0), (bit * bar + bar - 1, height // 6), colour, -1)
    return picture


class ApiDouble:
    """The internal routes of miniprogram-api that stream-service calls, over real HTTP."""

    def __init__(self) -> None:
        self.cameras: list[dict[str, object]] = []
        self.batches: list[dict[str, object]] = []
        self.withdrawn: set[str] = set()
        self.unmasked: set[str] = set()
        self.calls: list[str] = []
        self.port = free_port()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def show(self, **urls: str) -> None:
        """Have exactly these cameras."""
        self.cameras = [{"camera_id": i, "url": url, "model": "mask", "enabled": True} for i, url in urls.items()]

    def start(self) -> None:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer({"items": api.batches if self.path.endswith("/frame-batches") else api.cameras})

            def do_POST(self) -> None:
                pairs = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["pairs"]
                allowed = [pair for pair in pairs if pair["user_id"] not in api.withdrawn]
                unmasked = [pair for pair in allowed if pair["user_id"] in api.unmasked]
                self._answer({"allowed": allowed, "unmasked": unmasked})

            def _answer(self, document: object) -> None:
                api.calls.append(self.path)
                body = json.dumps(document).encode()
                self.send_response(200 if self.headers["Authorization"] == f"Bearer {SERVICE_TOKEN}" else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class StreamPart(Part):
    """A real process of the service."""

    def __init__(self, folder: Path, redis_url: str, api_url: str, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        environment = {
            "STREAM_REDIS_URL": redis_url,
            "STREAM_BLOBS_URL": f"file://{folder / 'blobs'}",
            "STREAM_SERVICE_TOKEN": SERVICE_TOKEN,
            "STREAM_TICKET_KEY": TICKET_KEY,
            "STREAM_API_URL": api_url,
            "STREAM_PORT": str(self.port),
            "STREAM_SPOOL_DIR": str(folder / "spool"),
            "STREAM_FILE_ROOTS": str(folder / "clips"),
            "STREAM_ALLOWED_RANGES": "127.0.0.0/8",  # where the cameras of tests are
            "MALLOC_ARENA_MAX": "2",  # as `xunshi up` starts it
            **settings,
        }
        command = [sys.executable, "-m", "stream_service"]
        ready = lambda: httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200  # noqa: E731
        super().__init__(
            "stream-service", command, ready=_quiet(ready), log=folder / "stream.log", environment=environment
        )

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the series of this name that have these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        lines = httpx.get(f"{self.url}/metrics", timeout=5).text.splitlines()
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in lines
            if line.startswith((name + "{", name + " ")) and all(one in line for one in wanted)
        )

    def state(self, camera_id: str, state: str) -> bool:
        return self.metric("stream_camera_state", camera_id=camera_id, state=state) == 1

    def threads(self) -> list[str]:
        """Names of the threads of the web worker, which owns the cameras."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        return [path.joinpath("comm").read_text().strip() for path in Path(f"/proc/{children[0]}/task").iterdir()]


def _quiet(ready: Callable[[], bool]) -> Callable[[], bool]:
    def asked() -> bool:
        try:
            return ready()
        except httpx.HTTPError:
            return False

    return asked


def ticket(camera_id: str, user_id: str = "anna", ttl_s: int = 60) -> str:
    return sign_ticket(TICKET_KEY, Ticket("live", user_id, camera_id), ttl_s=ttl_s)


class Watcher(Client):  # type: ignore[misc]
    """A client that also takes what came in one piece with the handshake."""

    def _thread(self) -> None:
        self.connected = self._handle_events()
        super()._thread()


def watch(stream: StreamPart, camera_id: str, text: str | None = None, *, user_id: str = "anna") -> Watcher:
    """An open live view."""
    query = urlencode({"ticket": ticket(camera_id, user_id) if text is None else text})
    return Watcher(f"ws://127.0.0.1:{stream.port}/live/cameras/{camera_id}/stream?{query}")


@contextmanager
def canned_inference(redis_url: str, faces: Sequence[Face] = (FACE,)) -> Iterator[list[FrameCaptured]]:
    """Answers every captured frame with these faces; gives the frames it saw."""
    bus, stop, seen = Bus(redis_url), threading.Event(), list[FrameCaptured]()

    def work() -> None:
        subscription = bus.subscribe(FrameCaptured, "inference-service")
        while not stop.is_set():
            try:
                for delivery in subscription.receive(block_ms=100):
                    frame = delivery.message
                    seen.append(frame)
                    bus.publish(_answer(frame, faces), route=frame.owner)
                    subscription.ack(delivery)
            except Unavailable:
                stop.wait(0.1)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join(5)
        bus.close()


def _answer(frame: FrameCaptured, faces: Sequence[Face]) -> FrameAnalysed:
    return FrameAnalysed(
        frame_id=frame.frame_id,
        camera_id=frame.camera_id,
        owner=frame.owner,
        seq=frame.seq,
        captured_at=frame.captured_at,
        analysed_at=now(),
        width=frame.width,
        height=frame.height,
        faces=tuple(faces),
    )
