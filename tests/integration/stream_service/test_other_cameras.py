"""Sources that are no RTSP camera, damaged packets, and clocks that jump."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from stream_service.adapters.pyav_camera import PyavFeed, _Brake, _Timeline
from stream_service.adapters.pyav_decoder import PyavDecoder
from stream_service.ports import CLOCK_HZ, Packet
from tests.integration.stream_service.world import look, reach


@pytest.fixture
def phone() -> Iterator[str]:
    """A phone with an IP camera app: JPEG pictures over HTTP, one after the other."""
    stop = threading.Event()

    class Phone(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            try:
                for number in range(500):
                    picture = np.full((240, 320, 3), number % 255, np.uint8)
                    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                    if stop.wait(0.04):
                        return
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Phone)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/video"
    stop.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_a_phone_with_an_ip_camera_app_is_read(phone: str) -> None:
    found = look(phone)
    assert (found.codec, found.width, found.height) == ("mjpeg", 320, 240)


def test_damaged_packets_cost_pictures_and_nothing_else(clips: Path) -> None:
    feed, chance = PyavFeed(f"file://{clips}/plain.mp4", reach(clips)), random.Random(1)
    decoder = PyavDecoder(feed.open())
    pictures = 0
    for number, packet in enumerate(feed.packets()):
        data = bytearray(packet.data)
        if number % 3:
            for _ in range(20):
                data[chance.randrange(len(data))] = chance.randrange(256)
        if number % 11 == 0:
            data = data[: len(data) // 3]
        frames = decoder.decode(Packet(bytes(data), packet.pts, packet.dts, packet.key, packet.arrived_at, 0.0))
        pictures += len(frames)
        if number == 70:
            break
    feed.close()
    assert pictures > 20


def test_empty_and_random_packets_are_no_pictures(clips: Path) -> None:
    feed = PyavFeed(f"file://{clips}/plain.mp4", reach(clips))
    decoder, first = PyavDecoder(feed.open()), next(feed.packets())
    chance = random.Random(1)
    for size in (1, 4, 100, 5000):
        noise = Packet(chance.randbytes(size), 0, 0, True, first.arrived_at, 0.0)
        assert decoder.decode(noise) == []
    assert decoder.damaged > 0
    feed.close()


@pytest.mark.parametrize(
    "times",
    [
        [0, 3600, 7200, 3600 * 25 * 3600, 3600 * 25 * 3600 + 3600],
        [900_000, 903_600, 0, 3600, 7200],
        [None, None, 3600, 7200, None, 14400],
        [5000, 5000, 5000, 4000],
        [-7200, -3600, 0, 3600],
        [2**33 - 3600, 2**33 - 1, 0, 3600],
    ],
)
def test_whatever_a_camera_says_time_goes_forward_in_sane_steps(times: list[int | None]) -> None:
    timeline = _Timeline()
    packets = [timeline.packet(b"x", at, at, key=True, step=3600) for at in times]
    steps = [after.dts - before.dts for before, after in pairwise(packets)]
    assert packets[0].dts == 0
    assert all(0 < step < 3 * CLOCK_HZ for step in steps)
    assert all(packet.pts >= packet.dts for packet in packets)


def test_a_camera_that_floods_is_made_to_wait_and_a_burst_is_not() -> None:
    brake = _Brake()
    waits_s = [brake.wait_s() for _ in range(1500)]
    assert max(waits_s[:500]) == 0.0
    assert waits_s[-1] == pytest.approx(4.0, abs=0.5)  # a thousand beyond the burst, at 250 a second
