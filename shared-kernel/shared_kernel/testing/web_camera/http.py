"""Cameras over HTTP on one loopback port. Thread safe; `with HttpCamera(folder) as camera: camera.mjpeg("gate")`."""

from __future__ import annotations

import base64
import contextlib
import enum
import hashlib
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from shared_kernel.testing.web_camera.media import endless_tags, flv_head, flv_tags, jpegs, pieces

_BOUNDARY = "picture"
_NONCE = "5f1a"


class WebFault(enum.Enum):
    """The first three meet a client that asks; the others one that is being served."""

    SILENT = "takes the request and never answers"
    BROKEN = "500"
    LIES = "says it sends FLV, whatever it sends"
    HANG = "stops sending, keeps the connection"
    CLOSE = "closes the connection in the middle"
    GARBAGE = "sends random bytes"
    TRICKLE = "sends ten bytes a second"


@dataclass
class _Mount:
    """What one path serves. `body` gives bytes as they are to be sent, without an end or up to `size`."""

    kind: str
    body: Callable[[threading.Event], Iterator[bytes]]
    size: int | None = None
    data: bytes | None = None
    ranges: bool = True
    credentials: tuple[str, str] | None = None
    login: Literal["basic", "digest"] = "basic"
    leads_to: str | None = None
    fault: WebFault | None = None
    after_bytes: int = 0


class HttpCamera:
    """Serves what is mounted; `folder` takes the pieces of HLS."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mounts: dict[str, _Mount] = {}
        self._stop = threading.Event()
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"camera": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def mjpeg(self, name: str, fps: float = 10.0) -> str:
        """JPEG pictures, one after the other, as phones and old cameras send them."""
        pictures = jpegs(8)

        def body(stop: threading.Event) -> Iterator[bytes]:
            number = 0
            while not stop.wait(1.0 / fps):
                jpeg = pictures[number % len(pictures)]
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                yield head.encode() + jpeg + b"\r\n"
                number += 1

        return self._mount(name, _Mount(f"multipart/x-mixed-replace; boundary={_BOUNDARY}", body))

    def flv(self, name: str, clip: Path) -> str:
        """A live stream as FLV, in real time."""
        tags = flv_tags(clip)

        def body(stop: threading.Event) -> Iterator[bytes]:
            yield flv_head()
            began_s = time.monotonic()
            for tag, shift_ms in endless_tags(tags):
                if stop.wait(max(0.0, began_s + (tag.at_ms + shift_ms) / 1000 - time.monotonic())):
                    return
                yield tag.packed(shift_ms)

        return self._mount(name, _Mount("video/x-flv", body))

    def file(self, name: str, path: Path, kind: str = "video/mp4", *, ranges: bool = True) -> str:
        """A file, in parts too where `ranges`."""
        return self.content(name, path.read_bytes(), kind, ranges=ranges)

    def content(self, name: str, data: bytes, kind: str, *, ranges: bool = True) -> str:
        """These bytes."""
        return self._mount(name, _Mount(kind, lambda _: iter([data]), len(data), data, ranges))

    def hls(self, name: str, clip: Path, *, fragmented: bool = False, live: bool = True) -> str:
        """A playlist at `name`/index.m3u8: live with a window of three pieces, or all of it with an end."""
        folder = self._folder / name
        made = pieces(clip, folder, fragmented=fragmented)
        for path in folder.iterdir():
            if path.suffix != ".m3u8":
                self.file(f"{name}/{path.name}", path, "video/mp2t" if not fragmented else "video/mp4")
        began_s = time.monotonic()

        def listed(_: threading.Event) -> Iterator[bytes]:
            first = int(time.monotonic() - began_s) if live else 0
            shown = [made[number % len(made)] for number in range(first, first + 3)] if live else made
            head = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:1", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
            head += ['#EXT-X-MAP:URI="init.mp4"'] if fragmented else []
            lines = [line for piece, seconds in shown for line in (f"#EXTINF:{seconds:.3f},", piece)]
            yield "\n".join([*head, *lines, *([] if live else ["#EXT-X-ENDLIST"]), ""]).encode()

        return self._mount(f"{name}/index.m3u8", _Mount("application/vnd.apple.mpegurl", listed))

    def redirect(self, name: str, to: str) -> str:
        """Sends every client to another address."""
        return self._mount(name, _Mount("text/plain", lambda _: iter(()), leads_to=to))

    def lock(self, name: str, user: str, password: str, login: Literal["basic", "digest"] = "basic") -> None:
        """Ask for a login at `name` and below."""
        for path, mount in self._mounts.items():
            if path == name or path.startswith(f"{name}/"):
                mount.credentials, mount.login = (user, password), login

    def fail(self, name: str, fault: WebFault | None, after_bytes: int = 0) -> None:
        """From the next request on, and for faults of serving after so many bytes, the camera does this."""
        mount = self._mounts[name]
        mount.fault, mount.after_bytes = fault, after_bytes

    def _mount(self, name: str, mount: _Mount) -> str:
        self._mounts[name] = mount
        return self.url(name)

    def mount_at(self, path: str) -> _Mount | None:
        return self._mounts.get(path.lstrip("/").partition("?")[0])

    @property
    def stopping(self) -> threading.Event:
        return self._stop

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    camera: HttpCamera

    def do_GET(self) -> None:
        camera = self.camera
        camera.asked.append(self.path)
        mount = camera.mount_at(self.path)
        with contextlib.suppress(OSError):
            if mount is None:
                self.send_error(404)
            elif mount.fault is WebFault.SILENT:
                camera.stopping.wait(60)
            elif mount.fault is WebFault.BROKEN:
                self.send_error(500)
            elif mount.leads_to is not None:
                self.send_response(302)
                self.send_header("Location", mount.leads_to)
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif mount.credentials and not self._lets_in(mount, mount.credentials):
                self.send_response(401)
                question = f'Digest realm="camera", nonce="{_NONCE}"' if mount.login == "digest" else 'Basic realm="x"'
                self.send_header("WWW-Authenticate", question)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._serve(mount)

    def _lets_in(self, mount: _Mount, credentials: tuple[str, str]) -> bool:
        said = self.headers.get("Authorization", "")
        if mount.login == "basic":
            return said == f"Basic {base64.b64encode(':'.join(credentials).encode()).decode()}"
        fields = dict(re.findall(r'(\w+)="([^"]*)"', said))
        secret = hashlib.md5(f"{credentials[0]}:camera:{credentials[1]}".encode()).hexdigest()
        asked = hashlib.md5(f"GET:{self.path}".encode()).hexdigest()
        return bool(fields.get("response") == hashlib.md5(f"{secret}:{_NONCE}:{asked}".encode()).hexdigest())

    def _serve(self, mount: _Mount) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        kind = "video/x-flv" if mount.fault is WebFault.LIES else mount.kind
        if wanted and mount.ranges and mount.data is not None:
            start, end = int(wanted[1]), int(wanted[2]) + 1 if wanted[2] else len(mount.data)
            part = mount.data[start:end]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(mount.data)}")
            self._head(kind, len(part), ranges=True)
            self._send(mount, iter([part]))
            return
        self.send_response(200)
        self._head(kind, mount.size, ranges=mount.ranges and mount.data is not None)
        self._send(mount, mount.body(self.camera.stopping))

    def _head(self, kind: str, size: int | None, *, ranges: bool) -> None:
        self.send_header("Content-Type", kind)
        if size is not None:
            self.send_header("Content-Length", str(size))
        if ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.end_headers()

    def _send(self, mount: _Mount, body: Iterator[bytes]) -> None:
        sent, stop = 0, self.camera.stopping
        for data in body:
            fault = mount.fault if sent >= mount.after_bytes else None
            if fault is WebFault.CLOSE:
                return
            if fault is WebFault.HANG:
                stop.wait(60)
                return
            if fault is WebFault.TRICKLE:
                for at in range(0, len(data), 10):
                    if stop.wait(1.0):
                        return
                    self.wfile.write(data[at : at + 10])
            self.wfile.write(random.randbytes(len(data)) if fault is WebFault.GARBAGE else data)
            self.wfile.flush()
            sent += len(data)
            if stop.is_set():
                return

    def log_message(self, *_: object) -> None:
        pass
