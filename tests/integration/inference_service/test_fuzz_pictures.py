"""Thousands of damaged files through the decoder, in a process of its own: a crash would end that one and be seen.

`XUNSHI_FUZZ_SECONDS=600 XUNSHI_FUZZ_SEED=12345` looks longer and elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
import sys
import zlib

import pytest

from shared_kernel.vision.pictures import UnreadablePicture, decode
from tests.contract.house.tree import ROOT
from tests.integration.inference_service import fuzz

SECONDS = float(os.environ.get("XUNSHI_FUZZ_SECONDS", "8"))
FIRST_SEED = int(os.environ.get("XUNSHI_FUZZ_SEED", "0"))
#: 50 megapixels take 150 MB as pixels, a few times that on the way, and the libraries their share.
MAX_PEAK_MB = 1500
#: Cases that once gave something else than a picture or a reason: a division by zero and errors of the AVIF decoder.
ONCE_WRONG = (20, 607, 843, 186660, 302569, 1000094, 1283099)


def test_damaged_files_give_a_picture_or_a_reason_and_stay_within_the_limits() -> None:
    command = [sys.executable, "-m", "tests.integration.inference_service.fuzz", str(SECONDS), str(FIRST_SEED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS + 120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["cases"] > 100
    assert found["outcomes"]["picture"] > 0
    assert found["outcomes"]["truncated"] > 0
    assert found["peak_mb"] < MAX_PEAK_MB


@pytest.mark.parametrize("seed", ONCE_WRONG)
def test_what_was_found_once_stays_right(seed: int) -> None:
    with contextlib.suppress(UnreadablePicture):
        assert decode(fuzz.case(seed)).ndim == 3


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("number", range(len(fuzz.samples())))
def test_every_sample_is_read_whole(number: int) -> None:
    assert decode(fuzz.samples()[number]).size


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


_ONE_PIXEL = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
_BOMB = zlib.compress(bytes(200_000_000), 9)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text that unfolds to 200 MB", _png((b"IHDR", _ONE_PIXEL), (b"zTXt", b"a\0\0" + _BOMB), (b"IEND", b""))),
        ("more pixels than the header says", _png((b"IHDR", _ONE_PIXEL), (b"IDAT", _BOMB), (b"IEND", b""))),
        ("a colour profile of 200 MB", _png((b"IHDR", _ONE_PIXEL), (b"iCCP", b"a\0\0" + _BOMB), (b"IEND", b""))),
    ],
)
def test_bombs_take_no_memory(name: str, data: bytes) -> None:
    code = (
        "import sys\n"
        "from shared_kernel.vision.pictures import UnreadablePicture, decode\n"
        "from tests.integration.inference_service.fuzz import peak_mb\n"
        "try:\n    print(decode(sys.stdin.buffer.read()).shape)\n"
        "except UnreadablePicture as error:\n    print(error.code)\n"
        "print(peak_mb())\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, input=data, capture_output=True, timeout=60, check=True)
    outcome, peak_mb = done.stdout.decode().split("\n")[:2]
    assert outcome in {"(1, 1, 3)", "truncated"}
    assert int(peak_mb) < 300
