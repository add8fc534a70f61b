"""Real children that decode, crash, hang and come back."""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from shared_kernel.errors import Unavailable
from shared_kernel.testing import wait_until
from shared_kernel.testing.faces import DrawnFace, jpeg, scene
from shared_kernel.vision import decoding_child
from shared_kernel.vision.decoding import Decoders
from shared_kernel.vision.pictures import UnreadablePicture, decode
from shared_kernel.vision.ports import Picture
from tests.unit.inference_service.doubles import CountedTally

FRAME = jpeg(scene(DrawnFace(320, 240)))


def endless(side: int = 7000) -> bytes:
    """A PNG of 49 megapixels: a second or two of work."""
    return cv2.imencode(".png", np.zeros((side, side, 3), np.uint8))[1].tobytes()


def damaged_tiff() -> bytes:
    """A picture over which libtiff complains to standard error."""
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    whole = io.BytesIO()
    Image.fromarray(noise).save(whole, "TIFF", compression="tiff_lzw")
    data = bytearray(whole.getvalue())
    data[200:400] = b"\xff" * 200
    return bytes(data)


@pytest.fixture
def tally() -> CountedTally:
    return CountedTally()


@pytest.fixture
def decoders(tally: CountedTally) -> Iterator[Decoders]:
    with Decoders(2, tally) as opened:
        yield opened


def busy_child(decoders: Decoders) -> int:
    """The child that works now: the only one that uses up time."""

    def used() -> dict[int, int]:
        return {pid: int(Path(f"/proc/{pid}/stat").read_text().split()[13]) for pid in decoders.pids()}

    before = used()
    return wait_until(lambda: next((pid for pid, ticks in used().items() if ticks > before.get(pid, 0) + 5), 0))


def ready(decoders: Decoders) -> Decoders:
    """Both have started, so that only decoding uses time."""
    with ThreadPoolExecutor(2) as pool:
        frames = [pool.submit(decoders.decode, endless(2000), "job") for _ in range(8)]
        assert all(frame.result(30).shape == (2000, 2000, 3) for frame in frames)
    return decoders


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_a_child_decodes_as_the_worker_would(decoders: Decoders) -> None:
    for _ in range(5):
        found = decoders.decode(FRAME, "interactive")
        assert np.array_equal(found, decode(FRAME))


def test_a_picture_stays_when_the_next_is_decoded_and_the_child_is_gone(decoders: Decoders) -> None:
    first = decoders.decode(FRAME, "live")
    decoders.decode(endless(300), "live")
    decoders.close()
    assert np.array_equal(first, decode(FRAME))
    first[:] = 0  # nobody else looks at it


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_an_image"),
        (b"GIF89a" + b"\xff" * 40, "truncated"),
        (FRAME[:500], "truncated"),
        (b"%PDF-1.4", "unsupported"),
        (b"\xff" * (20 * 1024 * 1024 + 1), "too_large"),
    ],
)
def test_a_bad_file_has_its_code(decoders: Decoders, tally: CountedTally, data: bytes, code: str) -> None:
    with pytest.raises(UnreadablePicture) as caught:
        decoders.decode(data, "job")
    assert caught.value.code == code
    assert decoders.decode(FRAME, "job").shape == (480, 640, 3)
    assert tally.counts == {}


def test_complaints_about_damaged_files_do_not_reach_the_log(
    tally: CountedTally, capfd: pytest.CaptureFixture[str]
) -> None:
    with Decoders(1, tally) as decoders:
        with pytest.raises(UnreadablePicture, match="damaged"):
            decoders.decode(damaged_tiff(), "job")
        assert capfd.readouterr().err == ""


def test_a_crash_reaches_the_log(tally: CountedTally, capfd: pytest.CaptureFixture[str]) -> None:
    with Decoders(1, tally) as decoders, ThreadPoolExecutor(1) as pool:
        decoders.decode(FRAME, "job")
        deadly: Future[Picture] = pool.submit(decoders.decode, endless(), "job")
        os.kill(busy_child(decoders), signal.SIGSEGV)
        with pytest.raises(UnreadablePicture):
            deadly.result(30)
    assert "Fatal Python error: Segmentation fault" in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGBUS])
def test_a_crash_over_a_file_is_its_answer_and_hurts_nobody_else(
    decoders: Decoders, tally: CountedTally, number: signal.Signals
) -> None:
    ready(decoders)
    with ThreadPoolExecutor(2) as pool:
        deadly: Future[Picture] = pool.submit(decoders.decode, endless(), "interactive")
        os.kill(busy_child(decoders), number)
        assert decoders.decode(FRAME, "live").shape == (480, 640, 3)
        with pytest.raises(UnreadablePicture, match="the decoder ended over it") as caught:
            deadly.result(30)
    assert caught.value.code == "not_analysable"
    assert tally.counts == {"decoder crashed": 1}
    assert len(wait_until(decoders.pids)) == 2
    for _ in range(4):
        assert decoders.decode(FRAME, "live").shape == (480, 640, 3)


def test_a_child_that_died_idle_is_no_files_fault(decoders: Decoders, tally: CountedTally) -> None:
    for pid in ready(decoders).pids():
        os.kill(pid, signal.SIGKILL)
    for _ in range(4):
        assert decoders.decode(FRAME, "live").shape == (480, 640, 3)
    assert tally.counts == {}


def test_where_no_child_can_be_started_it_is_tried_again_later(decoders: Decoders, tally: CountedTally) -> None:
    """Without descriptors there is no socket for a new child; the places of the dead ones must not be lost."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for pid in ready(decoders).pids():
        os.kill(pid, signal.SIGKILL)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        for _ in range(3):
            with pytest.raises(Unavailable):
                decoders.decode(FRAME, "live")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for _ in range(4):
        assert decoders.decode(FRAME, "live").shape == (480, 640, 3)
    assert tally.counts == {}


def test_a_file_that_takes_too_long_is_given_up(decoders: Decoders, tally: CountedTally) -> None:
    ready(decoders)
    with ThreadPoolExecutor(1) as pool:
        slow: Future[Picture] = pool.submit(decoders.decode, endless(), "live")  # 5 s for live pictures
        os.kill(busy_child(decoders), signal.SIGSTOP)
        with pytest.raises(UnreadablePicture, match="not decoded within 5 s") as caught:
            slow.result(30)
    assert caught.value.code == "too_slow"
    assert tally.counts == {"decoder too_slow": 1}
    assert decoders.decode(FRAME, "live").shape == (480, 640, 3)


def test_children_have_a_limit_of_memory(decoders: Decoders) -> None:
    for pid in ready(decoders).pids():
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert str(decoding_child.MAX_MEMORY_BYTES) in next(
            line for line in limits.splitlines() if "address space" in line
        )


def test_children_know_no_secrets(monkeypatch: pytest.MonkeyPatch, tally: CountedTally) -> None:
    monkeypatch.setenv("INFERENCE_SERVICE_TOKEN", "s" * 32)
    with Decoders(1, tally) as decoders:
        assert decoders.decode(FRAME, "live").shape == (480, 640, 3)
        [pid] = decoders.pids()
        assert b"s" * 32 not in Path(f"/proc/{pid}/environ").read_bytes()


def test_closing_ends_the_children_also_those_at_work(tally: CountedTally) -> None:
    decoders = ready(Decoders(2, tally))
    pids = set(decoders.pids())
    with ThreadPoolExecutor(1) as pool:
        answer: Future[Picture] = pool.submit(decoders.decode, endless(), "job")
        busy_child(decoders)
        decoders.close()
        with pytest.raises(Unavailable):
            answer.result(30)
    wait_until(lambda: not any(exists(pid) for pid in pids))
    assert tally.counts == {}
    with pytest.raises(Unavailable):
        decoders.decode(FRAME, "live")


def test_children_of_a_killed_worker_end(tmp_path: Path) -> None:
    """The one at work too: it is frozen in the middle of a file, as a decoder that hangs would be."""
    program = (
        "import sys, threading, time\n"
        "from shared_kernel.vision.decoding import Decoders\n"
        "from tests.unit.inference_service.doubles import CountedTally\n"
        "decoders = Decoders(2, CountedTally())\n"
        f"data = open({str(tmp_path / 'file.png')!r}, 'rb').read()\n"
        "decoders.decode(data[:0] + open(sys.argv[1], 'rb').read(), 'job')\n"
        "print(*decoders.pids(), flush=True)\n"
        "threading.Thread(target=decoders.decode, args=(data, 'job'), daemon=True).start()\n"
        "print('at work', flush=True)\n"
        "time.sleep(60)\n"
    )
    (tmp_path / "file.png").write_bytes(endless())
    (tmp_path / "frame.jpg").write_bytes(FRAME)
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "frame.jpg")], stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        pids = [int(word) for word in worker.stdout.readline().split()]
        assert len(pids) == 2
        assert worker.stdout.readline() == "at work\n"
        worker.kill()
        wait_until(lambda: not any(exists(pid) for pid in pids))
