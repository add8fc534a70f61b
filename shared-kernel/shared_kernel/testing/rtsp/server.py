"""The RTSP side: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN over TCP. `sending` then plays to each client."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import secrets
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

from shared_kernel.testing.ports import free_port
from shared_kernel.testing.rtsp.clip import SOUND_ONLY_SDP, Clip
from shared_kernel.testing.rtsp.faults import Fault, Mount
from shared_kernel.testing.rtsp.sending import Sender
from shared_kernel.testing.waiting import wait_until

_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
_INTERLEAVED = b"$"
_JOIN_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Playback:
    """A client began to play: which path, when its first packet left (Unix seconds), how long one round lasts."""

    name: str
    started_at: float
    duration_s: float


class RtspServer:
    """A camera, or several, on one loopback port. Thread safe; `with RtspServer() as server:`."""

    def __init__(self, port: int | None = None, on_play: Callable[[Playback], None] | None = None) -> None:
        self.port = port or free_port()
        self.plays: list[Playback] = []
        #: What clients wanted it to send over, in turn.
        self.setups: list[str] = []
        self.mounts: dict[str, Mount] = {}
        self.connections: set[_Connection] = set()
        self._on_play = on_play
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None

    def mount(
        self, name: str, *clips: Path, loop: bool = True, credentials: tuple[str, str] | None = None, **habits: Any
    ) -> str:
        """Play the clips, one after the other, under `name`; the address, without credentials.

        `habits` are the further fields of `faults.Mount`: login, transport, refusal, leads_to, sound, jump_s, date.

        Raises:
            ValueError: no clip, or one that cannot be streamed.
        """
        if not clips:
            raise ValueError(f"{name}: expected one clip or more, got none")
        self.mounts[name] = Mount(name, tuple(Clip.read(clip) for clip in clips), loop, credentials, **habits)
        return self.url(name)

    def url(self, name: str) -> str:
        return f"rtsp://127.0.0.1:{self.port}/{name}"

    def fail(self, name: str, fault: Fault, after_s: float = 0.0) -> None:
        """From now on (and `after_s` into playback, for faults of playback) the camera does this."""
        mount = self.mounts[name]
        mount.after_s = after_s if fault in (Fault.HANG, Fault.CLOSE, Fault.GARBAGE) else 0.0
        mount.fault_at_s, mount.fault = time.monotonic(), fault

    def heal(self, name: str) -> None:
        """No fault any more."""
        self.mounts[name].fault = None

    def drop(self, name: str) -> None:
        """Hang up on everybody who plays it; they may come again."""
        for connection in tuple(self.connections):
            if connection.plays(name):
                connection.hang_up()

    def clients(self, name: str) -> int:
        """How many play it now."""
        return sum(connection.plays(name) for connection in tuple(self.connections))

    def refuse(self) -> None:
        """Stop listening and drop everybody: connections are refused until `start`."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.shutdown()
        listener.server_close()
        if self._thread:
            self._thread.join(_JOIN_TIMEOUT_S)
        wait_until(self._dropped, _JOIN_TIMEOUT_S, f"the clients of {self.port} are gone")

    def _dropped(self) -> bool:
        for connection in tuple(self.connections):
            connection.hang_up()
        return not self.connections

    def start(self) -> Self:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        if self._listener is None:
            self._listener = _Listener(self)
            self._thread = threading.Thread(
                target=self._listener.serve_forever, args=(0.05,), daemon=True, name=f"rtsp :{self.port}"
            )
            self._thread.start()
        return self

    def played(self, mount: Mount) -> None:
        """Called when a client's first packet leaves."""
        playback = Playback(mount.name, time.time(), mount.duration_s)
        self.plays.append(playback)
        if self._on_play:
            self._on_play(playback)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, camera: RtspServer) -> None:
        self.camera = camera
        super().__init__(("127.0.0.1", camera.port), _Connection)


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    headers: dict[str, str]

    @property
    def name(self) -> str:
        return urlsplit(self.url).path.partition("/trackID")[0].strip("/")


@dataclass(frozen=True)
class _Answer:
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


class _Connection(socketserver.StreamRequestHandler):
    """One client's control connection, on which its pictures travel too."""

    def setup(self) -> None:
        super().setup()
        self.camera = cast("_Listener", self.server).camera
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lock = threading.Lock()
        self._sender: Sender | None = None
        self._udp: socket.socket | None = None
        self._name = ""
        self._session = secrets.token_hex(4)
        self.camera.connections.add(self)

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError, EOFError):
            while request := self._read():
                self._serve(request)
                if request.method == "TEARDOWN":
                    break

    def finish(self) -> None:
        self.camera.connections.discard(self)
        if self._sender:
            self._sender.stop.set()
            self.hang_up()
            if self._sender.is_alive():
                self._sender.join(_JOIN_TIMEOUT_S)
        if self._udp:
            self._udp.close()
        with contextlib.suppress(OSError):
            super().finish()

    def plays(self, name: str) -> bool:
        return self._name == name and self._sender is not None and self._sender.is_alive()

    def hang_up(self) -> None:
        """Close both directions; the reading thread then ends."""
        with contextlib.suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)

    def _read(self) -> _Request | None:
        """The next request; RTCP that comes between is read and dropped."""
        while first := self.rfile.read(1):
            if first == _INTERLEAVED:
                _, length = struct.unpack(">BH", self.rfile.read(3))
                self.rfile.read(length)
                continue
            line = (first + self.rfile.readline()).decode("latin1").strip()
            if not line:
                continue
            method, url, _ = line.split(" ", 2)
            headers = {}
            while head := self.rfile.readline().decode("latin1").strip():
                key, _, value = head.partition(":")
                headers[key.lower()] = value.strip()
            self.rfile.read(int(headers.get("content-length", "0")))
            return _Request(method, url, headers)
        return None

    def _serve(self, request: _Request) -> None:
        mount = self.camera.mounts.get(request.name)
        if mount and (mount.suffers(Fault.SILENT) or (request.method == "SETUP" and mount.suffers(Fault.DEAF))):
            return
        answer = self._answer(request, mount)
        body = answer.body.encode()
        length = (("Content-Length", str(len(body))),) if body else ()
        heads = (("CSeq", request.headers.get("cseq", "0")), *answer.headers, *length)
        text = f"RTSP/1.0 {answer.status}\r\n" + "".join(f"{key}: {value}\r\n" for key, value in heads) + "\r\n"
        self._write(text.encode() + body)
        begins = request.method == "PLAY" and answer.status == "200 OK"
        if begins and mount and self._sender and not self._sender.is_alive():
            self.camera.played(mount)
            self._sender.start()

    def _answer(self, request: _Request, mount: Mount | None) -> _Answer:
        session = ("Session", f"{self._session};timeout=60")
        if request.method == "OPTIONS":
            return _Answer(headers=(("Public", _METHODS),))
        if mount is None or mount.suffers(Fault.NOT_FOUND):
            return _Answer("404 Not Found")
        if mount.suffers(Fault.BROKEN):
            return _Answer("500 Internal Server Error")
        if mount.leads_to is not None:
            return _Answer("302 Moved Temporarily", (("Location", mount.leads_to),))
        if not self._lets_in(request, mount):
            return _Answer("401 Unauthorized", (("WWW-Authenticate", self._question(mount)),))
        if request.method == "DESCRIBE":
            return _description(request, mount)
        if request.method == "SETUP":
            return self._setup_answer(request, mount)
        if request.method == "PLAY" and self._sender:
            first = f"seq={self._sender.first_sequence};rtptime={self._sender.first_timestamp}"
            return _Answer(headers=(session, ("RTP-Info", f"url={request.url.rstrip('/')}/trackID=0;{first}")))
        return _Answer(headers=(session,))

    def _lets_in(self, request: _Request, mount: Mount) -> bool:
        if mount.suffers(Fault.UNAUTHORISED):
            return False
        if mount.credentials is None:
            return True
        said = request.headers.get("authorization", "")
        if mount.login == "basic":
            return said == f"Basic {base64.b64encode(':'.join(mount.credentials).encode()).decode()}"
        return _response(said) == _digest(self._question(mount), request, mount.credentials)

    def _question(self, mount: Mount) -> str:
        return 'Basic realm="camera"' if mount.login == "basic" else f'Digest realm="camera", nonce="{self._session}"'

    def _setup_answer(self, request: _Request, mount: Mount) -> _Answer:
        wanted = request.headers.get("transport", "")
        self.camera.setups.append(wanted.partition(";")[0])
        if ("TCP" in wanted) != (mount.transport == "tcp"):
            if not mount.refusal:
                raise EOFError  # the connection ends without an answer
            return _Answer(mount.refusal)
        self._name = mount.name
        if mount.transport == "udp":
            return self._udp_answer(wanted, mount)
        if self._sender is None:
            self._sender = Sender(mount, self._send_rtp, self.hang_up)
        transport = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")
        return _Answer(headers=(transport, ("Session", f"{self._session};timeout=60")))

    def _udp_answer(self, wanted: str, mount: Mount) -> _Answer:
        """Pictures travel to the client's port instead of over its connection."""
        ports = wanted.partition("client_port=")[2].partition(";")[0]
        if not ports.partition("-")[0].isdigit():
            return _Answer("461 Unsupported Transport")
        to = (self.client_address[0], int(ports.partition("-")[0]))
        if self._udp is None:
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.bind(("127.0.0.1", 0))
        line = self._udp
        if self._sender is None:
            self._sender = Sender(mount, lambda packet: (line.sendto(packet, to), None)[1], self.hang_up)
        own = line.getsockname()[1]
        transport = f"RTP/AVP/UDP;unicast;client_port={ports};server_port={own}-{own + 1}"
        return _Answer(headers=(("Transport", transport), ("Session", f"{self._session};timeout=60")))

    def _send_rtp(self, packet: bytes) -> None:
        self._write(_INTERLEAVED + struct.pack(">BH", 0, len(packet)) + packet)

    def _write(self, data: bytes) -> None:
        with self._lock:
            self.request.sendall(data)


def _description(request: _Request, mount: Mount) -> _Answer:
    sdp = SOUND_ONLY_SDP if mount.suffers(Fault.NO_VIDEO) else mount.clips[0].sdp(sound=mount.sound)
    if mount.suffers(Fault.LIES):
        sdp = sdp.replace("H264", "H26x").replace("H265", "H264").replace("H26x", "H265")
    dates = (("Date", mount.date),) if mount.date else ()
    base = request.url.rstrip("/") + "/"
    return _Answer(headers=(("Content-Type", "application/sdp"), ("Content-Base", base), *dates), body=sdp)


def _response(said: str) -> str:
    return str(dict(re.findall(r'(\w+)="([^"]*)"', said)).get("response", "none"))


def _digest(question: str, request: _Request, credentials: tuple[str, str]) -> str:
    """The sum that cameras without further protection expect (RFC 2069)."""
    fields = dict(re.findall(r'(\w+)="([^"]*)"', question))
    secret = hashlib.md5(f"{credentials[0]}:{fields['realm']}:{credentials[1]}".encode()).hexdigest()
    asked = hashlib.md5(f"{request.method}:{request.url}".encode()).hexdigest()
    return hashlib.md5(f"{secret}:{fields['nonce']}:{asked}".encode()).hexdigest()
