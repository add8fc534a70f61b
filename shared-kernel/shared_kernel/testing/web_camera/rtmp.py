"""An RTMP server that plays clips, as nginx-rtmp and SRS do: handshake, connect, play; AMF0 only."""

from __future__ import annotations

import contextlib
import enum
import os
import random
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from shared_kernel.testing.web_camera.media import Tag, endless_tags, flv_tags

_HANDSHAKE_BYTES = 1536
_OUT_CHUNK_BYTES = 4096
_COMMAND, _SET_CHUNK, _VIDEO = 20, 1, 9


class RtmpFault(enum.Enum):
    """Meets every client while it is set."""

    SILENT = "takes the connection and never answers"
    CLOSE = "closes the connection in the middle"
    GARBAGE = "sends random bytes instead of pictures"


class RtmpServer:
    """Cameras at rtmp://127.0.0.1:port/live/NAME. Thread safe; `with RtmpServer() as server: server.mount(...)`."""

    def __init__(self) -> None:
        self.mounts: dict[str, list[Tag]] = {}
        self.fault: RtmpFault | None = None
        self.told: list[str] = []
        self.stopping = threading.Event()
        self._server = _Listener(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def mount(self, name: str, clip: Path) -> str:
        self.mounts[name] = flv_tags(clip)
        return self.url(name)

    def url(self, name: str) -> str:
        return f"rtmp://127.0.0.1:{self._server.server_address[1]}/live/{name}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, camera: RtmpServer) -> None:
        self.camera = camera
        super().__init__(("127.0.0.1", 0), _Connection)


class _Connection(socketserver.StreamRequestHandler):
    def setup(self) -> None:
        super().setup()
        self.camera = cast("_Listener", self.server).camera
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._chunk_bytes = 128

    def handle(self) -> None:
        with contextlib.suppress(OSError, EOFError, struct.error):
            if self.camera.fault is RtmpFault.SILENT:
                self.camera.stopping.wait(60)
                return
            self._shake_hands()
            for kind, body in self._messages():
                if kind == _SET_CHUNK:
                    self._chunk_bytes = struct.unpack(">I", body[:4])[0]
                elif kind == _COMMAND and not self._obey(list(_read_amf(body))):
                    return

    def _shake_hands(self) -> None:
        self._exactly(1 + _HANDSHAKE_BYTES)
        own = struct.pack(">II", 0, 0) + os.urandom(_HANDSHAKE_BYTES - 8)
        self.wfile.write(b"\x03" + own + own)
        self._exactly(_HANDSHAKE_BYTES)

    def _obey(self, words: list[Any]) -> bool:
        """Answer a command; False when the connection is over."""
        name, number = words[0], words[1]
        if name == "connect":
            self.camera.told.append(str(words[2].get("tcUrl", "")))
            self._send(2, _SET_CHUNK, struct.pack(">I", _OUT_CHUNK_BYTES))
            state = {"level": "status", "code": "NetConnection.Connect.Success", "description": "ok"}
            self._command("_result", number, {"fmsVer": "FMS/3,0,1,123", "capabilities": 31.0}, state)
        elif name == "createStream":
            self._command("_result", number, None, 1.0)
        elif name == "play":
            tags = self.camera.mounts.get(str(words[3]))
            if tags is None:
                state = {"level": "error", "code": "NetStream.Play.StreamNotFound", "description": "no such stream"}
                self._command("onStatus", 0.0, None, state)
                return False
            state = {"level": "status", "code": "NetStream.Play.Start", "description": "ok"}
            self._command("onStatus", 0.0, None, state)
            self._play(tags)
            return False
        return True

    def _play(self, tags: list[Tag]) -> None:
        began_s = time.monotonic()
        for number, (tag, shift_ms) in enumerate(endless_tags(tags)):
            at_ms = tag.at_ms + shift_ms
            if self.camera.stopping.wait(max(0.0, began_s + at_ms / 1000 - time.monotonic())):
                return
            fault = self.camera.fault
            if fault is RtmpFault.CLOSE and number > 10:
                return
            body = random.randbytes(len(tag.body)) if fault is RtmpFault.GARBAGE else tag.body
            self._send(6, _VIDEO, body, at_ms, stream=1)

    def _command(self, *words: Any) -> None:
        self._send(3, _COMMAND, b"".join(_amf(word) for word in words), stream=1 if words[0] == "onStatus" else 0)

    def _send(self, channel: int, kind: int, body: bytes, at_ms: int = 0, *, stream: int = 0) -> None:
        head = bytes([channel]) + struct.pack(">I", at_ms & 0xFFFFFF)[1:] + struct.pack(">I", len(body))[1:]
        head += bytes([kind]) + struct.pack("<I", stream)
        pieces = [body[at : at + _OUT_CHUNK_BYTES] for at in range(0, len(body), _OUT_CHUNK_BYTES)] or [b""]
        self.wfile.write(head + bytes([0xC0 | channel]).join(pieces))
        self.wfile.flush()

    def _messages(self) -> Iterator[tuple[int, bytes]]:
        known: dict[int, tuple[int, int]] = {}
        waiting: dict[int, bytearray] = {}
        while True:
            first = self._exactly(1)[0]
            form, channel = first >> 6, first & 63
            head = self._exactly((11, 7, 3, 0)[form])
            if form <= 1:
                known[channel] = (int.from_bytes(head[3:6], "big"), head[6])
            size, kind = known[channel]
            body = waiting.setdefault(channel, bytearray())
            body += self._exactly(min(self._chunk_bytes, size - len(body)))
            if len(body) >= size:
                yield kind, bytes(waiting.pop(channel))

    def _exactly(self, count: int) -> bytes:
        data = self.rfile.read(count)
        if len(data) < count:
            raise EOFError
        return data


def _amf(value: Any) -> bytes:
    if value is None:
        return b"\x05"
    if isinstance(value, bool):
        return bytes([1, value])
    if isinstance(value, float | int):
        return b"\x00" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"\x02" + struct.pack(">H", len(value.encode())) + value.encode()
    fields = b"".join(struct.pack(">H", len(name)) + name.encode() + _amf(one) for name, one in value.items())
    return b"\x03" + fields + b"\x00\x00\x09"


def _read_amf(data: bytes) -> Iterator[Any]:
    at = 0
    while at < len(data):
        value, at = _one_amf(data, at)
        yield value


def _one_amf(data: bytes, at: int) -> tuple[Any, int]:
    kind, at = data[at], at + 1
    if kind == 0:
        return struct.unpack(">d", data[at : at + 8])[0], at + 8
    if kind == 1:
        return bool(data[at]), at + 1
    if kind == 2:
        size = struct.unpack(">H", data[at : at + 2])[0]
        return data[at + 2 : at + 2 + size].decode(), at + 2 + size
    if kind == 3:
        found: dict[str, Any] = {}
        while data[at : at + 3] != b"\x00\x00\x09":
            size = struct.unpack(">H", data[at : at + 2])[0]
            name = data[at + 2 : at + 2 + size].decode()
            found[name], at = _one_amf(data, at + 2 + size)
        return found, at + 3
    return None, at
