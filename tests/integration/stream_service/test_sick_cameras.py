"""Cameras that hang in opening or in reading, flap, trickle, flood and send garbage, all at once beside a healthy one:
it costs that one nothing, they come back by themselves, and nothing is left behind: no thread, no socket, no memory, no
pass lost or doubled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import Fault, RtspServer
from tests.integration.stream_service.passing import assert_one_pass_at_a_time, passes_of
from tests.integration.stream_service.world import ApiDouble, StreamPart, canned_inference

FAULTS = {
    "hangs": Fault.HANG,
    "flaps": Fault.CLOSE,
    "garbles": Fault.GARBAGE,
    "trickles": Fault.TRICKLE,
    "silent": Fault.SILENT,
    "deaf": Fault.DEAF,
    "floods": Fault.FLOOD,
}
#: Met only by who connects anew.
IN_OPENING = ("silent", "deaf")
#: The cameras send 25 pictures a second; one that floods, thousands, of which so many are read at most.
FLOOD_FPS, MOST_FPS = 100, 400
#: Reconnections and the passes they end leave some memory in pools and caches, for each sick camera; a connection that
#: leaks is 10 MB and more.
SPARE_MIB = 12 * len(FAULTS)
#: Pools of connections to Redis and the API, and of web threads, are filled when they are first needed; a leak would
#: leave one for each reconnection.
SPARE_SOCKETS = SPARE_THREADS = 3
#: Of all cameras, before they are well again.
RECONNECTS = 2 * len(FAULTS)


class Footprint(NamedTuple):
    """What the web worker, which owns the cameras, has in use."""

    threads: int
    sockets: int
    memory_mib: int

    @classmethod
    def of(cls, part: StreamPart) -> Footprint:
        worker = Path(f"/proc/{part.pid}/task/{part.pid}/children").read_text(encoding="ascii").split()[0]
        process = Path("/proc") / worker
        sockets = sum(_target(link).startswith("socket:") for link in (process / "fd").iterdir())
        lines = (process / "status").read_text(encoding="ascii").splitlines()
        memory = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
        return cls(len(list((process / "task").iterdir())), sockets, memory // 1024)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed meanwhile
        return ""


@contextmanager
def sick(cameras: RtspServer) -> Iterator[None]:
    for name, fault in FAULTS.items():
        cameras.fail(name, fault)
    for name in IN_OPENING:
        cameras.drop(name)
    yield
    for name in FAULTS:
        cameras.heal(name)


def with_picture(part: StreamPart, *names: str) -> bool:
    """Whether all give pictures; one that broke off several times is called unsteady for a while."""
    return all(part.state(name, "online") or part.state(name, "degraded") for name in names)


def noticed(part: StreamPart, name: str) -> bool:
    if name == "floods":
        return part.metric("stream_camera_fps", camera_id=name) > FLOOD_FPS
    return not part.state(name, "online")


def seen_by(redis_url: str, cameras: set[str]) -> set[str]:
    """`cameras` with those that announced a pass since; read as a group of its own."""
    said = passes_of(redis_url, "looking").values()
    cameras |= {message.camera_id for messages in said for message in messages}
    return cameras


def test_sick_cameras_leave_nothing_behind(
    rtsp_server: RtspServer, stream: StreamPart, api: ApiDouble, clips: Path, redis_url: str
) -> None:
    names = ("healthy", *FAULTS)
    api.show(**{name: rtsp_server.mount(name, clips / "plain.mp4") for name in names})
    with canned_inference(redis_url):
        wait_until(lambda: with_picture(stream, *names), 30)
        before = Footprint.of(stream)
        with sick(rtsp_server):
            wait_until(lambda: all(noticed(stream, name) for name in FAULTS), 60, "all are noticed")
            wait_until(lambda: stream.metric("stream_reconnects_total") >= RECONNECTS, 60, "they are tried again")
            assert with_picture(stream, "healthy")
            assert stream.metric("stream_camera_fps", camera_id="floods") < MOST_FPS
        wait_until(lambda: with_picture(stream, *names), 60, "all come back")
        assert stream.metric("stream_reconnects_total", camera_id="healthy") == 0
        wait_until(lambda: Footprint.of(stream).threads <= before.threads + SPARE_THREADS, 30, "no thread is left")
        wait_until(lambda: Footprint.of(stream).sockets <= before.sockets + SPARE_SOCKETS, 30, "no socket is left")
        assert Footprint.of(stream).memory_mib <= before.memory_mib + SPARE_MIB
        seen: set[str] = set()
        wait_until(lambda: seen_by(redis_url, seen) == set(names), 60, "every camera saw the person")
        stream.stop()
    found = passes_of(redis_url)
    assert_one_pass_at_a_time(found, names)
    assert len([said for said in found.values() if said[0].camera_id == "healthy"]) == 1
