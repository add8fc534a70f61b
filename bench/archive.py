"""Seconds until frames are stored in order, beside one at a time and beside the Celery group of the article.

The store is a sink that answers a request after 1.05 s, as the article's did, or after 50 ms. All three ways use the
same client for it; frames are 1280 x 720 JPEG of 60 KB. One at a time is measured up to fifteen frames of the slow sink
and reckoned beyond: that times the number.

Fifty frames beside one have a floor that is not ours: the client alone, all uploads begun at once with keys that are
known, on one event loop. It is measured in turn with ours, and stands as the baseline of the last two figures: time,
and processor time of this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import wait
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
import obstore
from obstore.store import S3Store

from bench.celery_place import celery_path
from bench.figure import Figure
from shared_kernel.archive import Archive, Frame, object_key
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now
from shared_kernel.testing import wait_until
from shared_kernel.testing.valkey import RedisServer
from xunshi.places import ROOT

COUNTS = (1, 5, 10, 15, 30, 50, 500)
#: Seconds a request, and how often each count is measured; the middle one counts.
SINKS: Mapping[float, int] = {1.05: 3, 0.05: 9}
#: The slow sink one at a time is not measured beyond.
MEASURED_UP_TO = 15
PROMISED = "50 frames beside 1"
CELERY_WORKERS = 10
_WORKER_READY_S = 60.0


def figures() -> Iterator[Figure]:
    """For each sink and count: ours beside one at a time, ours beside a Celery group; then fifty beside one."""
    with tempfile.TemporaryDirectory() as folder, sink() as port:
        jpegs = pictures(max(COUNTS))
        for delay_s, times in SINKS.items():
            blobs = Blobs.open(address(port, delay_s))
            ours = {count: median_s(times if count < 500 else 1, blobs, jpegs[:count]) for count in COUNTS}
            single = one_at_a_time(blobs, jpegs, delay_s)
            for count in COUNTS:
                yield Figure(f"{label(count, delay_s)}, one at a time", ours[count], single[count], "s")
            groups = celery_groups(Path(folder) / f"celery-{delay_s}", address(port, delay_s), jpegs)
            for count, seconds in groups.items():
                yield Figure(f"{label(count, delay_s)}, Celery group", ours[count], seconds, "s")
            yield Figure(f"{PROMISED}, {delay_s:g} s a request", ours[50], ours[1], "s")
            yield from beside_the_client(blobs, jpegs[:50], address(port, delay_s), times, delay_s)


class Took(NamedTuple):
    """Seconds by the clock, and of the processor."""

    wall_s: float
    cpu_s: float


def beside_the_client(blobs: Blobs, jpegs: list[bytes], url: str, times: int, delay_s: float) -> Iterator[Figure]:
    """Ours and the client alone in turn, so that both meet the same machine; of each the middle one."""
    archive, loop, client = Archive(blobs), asyncio.new_event_loop(), Client(url)
    ours, alone, alone_one = list[Took](), list[Took](), list[Took]()
    try:
        for _ in range(times + 1):
            ours.append(_took(lambda: archived_s(archive, jpegs)))
            alone.append(_took(lambda: loop.run_until_complete(client.put_all(jpegs))))
            alone_one.append(_took(lambda: loop.run_until_complete(client.put_all(jpegs[:1]))))
    finally:
        archive.stop()
        loop.close()
    wall, floor, floor_one = (statistics.median(one.wall_s for one in took[1:]) for took in (ours, alone, alone_one))
    yield Figure(f"  the client alone, {PROMISED}, {delay_s:g} s", floor, floor_one, "s")
    yield Figure(f"  50 frames beside the client alone, {delay_s:g} s", wall, floor, "s")
    cpu, cpu_floor = (statistics.median(one.cpu_s for one in took[1:]) for took in (ours, alone))
    yield Figure(f"  processor time of that, {delay_s:g} s", cpu, cpu_floor, "s")


def _took(work: Callable[[], object]) -> Took:
    began_s, spent_s = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - began_s, time.process_time() - spent_s)


class Client:
    """What is below our archive: obstore, and nothing around it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._store = S3Store(
            parts.netloc,
            endpoint=parse_qs(parts.query)["endpoint"][0],
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    async def put_all(self, jpegs: list[bytes]) -> None:
        puts = (
            obstore.put_async(self._store, f"frames/alone/{number}.jpg", jpeg, use_multipart=False)
            for number, jpeg in enumerate(jpegs)
        )
        await asyncio.gather(*puts)


def label(count: int, delay_s: float) -> str:
    return f"{count} frame{'s' if count > 1 else ''}, {delay_s:g} s a request"


def pictures(count: int) -> list[bytes]:
    """JPEG files that differ; about 60 KB each."""
    chance = np.random.default_rng(1)
    noise = chance.integers(0, 255, (720, 1280, 3), np.uint8)
    picture = cv2.GaussianBlur(noise, (27, 27), 0)
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    return [jpeg + number.to_bytes(4, "big") for number in range(count)]


def median_s(times: int, blobs: Blobs, jpegs: list[bytes]) -> float:
    """The middle of several archives of these frames; connections are open, as in a service that runs."""
    archive = Archive(blobs)
    try:
        archived_s(archive, jpegs[:64] if len(jpegs) > 1 else jpegs)
        return statistics.median(archived_s(archive, jpegs) for _ in range(times))
    finally:
        archive.stop()


def archived_s(archive: Archive, jpegs: list[bytes]) -> float:
    """From the first frame handed over to the last one stored."""
    began_s, at = time.perf_counter(), now()
    coming = [archive.offer(Frame(seq, at, jpeg)) for seq, jpeg in enumerate(jpegs)]
    wait([one for one in coming if one is not None])  # once: being woken for each is not the archive's work
    settled = [one.result() for one in coming if one is not None]
    took_s = time.perf_counter() - began_s
    if [one.seq for one in settled if one.key] != list(range(len(jpegs))):
        raise RuntimeError(f"archive: expected {len(jpegs)} stored frames in order, got {len(settled)}")
    return took_s


def one_at_a_time(blobs: Blobs, jpegs: list[bytes], delay_s: float) -> dict[int, float]:
    """Seconds by count: the next frame waits for the one before."""
    most = MEASURED_UP_TO if delay_s > 1 else max(COUNTS)
    blobs.put(object_key(now(), jpegs[0]), jpegs[0])
    began_s, after = time.perf_counter(), {0: 0.0}
    for number, jpeg in enumerate(jpegs[:most], 1):
        blobs.put(object_key(now(), jpeg), jpeg, content_type="image/jpeg")
        after[number] = time.perf_counter() - began_s
    return {count: after.get(count, after[most] / most * count) for count in COUNTS}


def celery_groups(folder: Path, blobs_url: str, jpegs: list[bytes]) -> dict[int, float]:
    """Seconds by count of a group over ten workers; nothing where Celery cannot be had."""
    packages = celery_path()
    if packages is None:
        return {}
    frames = folder / "frames"
    frames.mkdir(parents=True)
    for number, jpeg in enumerate(jpegs):
        (frames / f"{number:04d}.jpg").write_bytes(jpeg)
    with RedisServer(folder) as redis:
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{packages}",
            "BENCH_REDIS": redis.url,
            "BENCH_BLOBS": blobs_url,
            "BENCH_FRAMES": str(frames),
        }
        with worker(folder / "worker.log", environment):
            command = [sys.executable, "-m", "bench.celery_group", *map(str, COUNTS)]
            done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return dict(zip(COUNTS, map(float, done.stdout.split()), strict=True))


@contextlib.contextmanager
def worker(log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """A Celery worker with ten processes."""
    options = ["worker", "--concurrency", str(CELERY_WORKERS), "--loglevel", "INFO", "--without-gossip"]
    command = [sys.executable, "-m", "celery", "-A", "bench.celery_group", *options]
    with log.open("wb") as output:
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            wait_until(
                lambda: " ready." in log.read_text(errors="replace"), _WORKER_READY_S, "the Celery worker is ready"
            )
            yield
        finally:
            running.terminate()
            running.wait(30)


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """The port of a sink; afterwards it must have got what was sent."""
    with subprocess.Popen([sys.executable, "-m", "bench.sink"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        try:
            port = int(running.stdout.readline() if running.stdout else "0")
            yield port
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts", timeout=5) as answer:
                if min(json.load(answer).values()) < sum(COUNTS):
                    raise RuntimeError("sink: expected all frames, got fewer")
        finally:
            running.terminate()


def address(port: int, delay_s: float) -> str:
    """The bucket's name tells the sink how long to take."""
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "benchbenchbench")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "benchbenchbench")
    os.environ.setdefault("AWS_REGION", "us-east-1")
    bucket = f"s-{delay_s:g}".replace(".", "-")
    return f"s3://{bucket}?endpoint=http://127.0.0.1:{port}"
