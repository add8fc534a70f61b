"""Damaged pictures without end: samples of every format made on the spot, then cut, flipped, spliced and resized.

`python -m tests.integration.inference_service.fuzz SECONDS [SEED]` decodes them until the time is over and prints one
JSON line. A case is named by its seed alone, so whatever goes wrong can be repeated: `case(seed)` makes it again.
"""

from __future__ import annotations

import faulthandler
import io
import json
import random
import resource
import struct
import sys
import time
import traceback
import warnings
import zlib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, features

#: Interesting 32-bit values: edges of signed and unsigned fields.
_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
#: Beginnings of files, in which lengths and sizes stand.
_HEAD_BYTES = 160


@cache
def samples() -> tuple[bytes, ...]:
    """One small file of every format and kind of pixels that is read."""
    random_pixels = np.random.default_rng(5).integers(0, 255, (37, 53, 3), np.uint8)
    image = Image.fromarray(random_pixels)
    smooth = Image.linear_gradient("L").resize((53, 37))
    exif = Image.Exif()
    exif[0x0112] = 6
    alpha = image.convert("RGBA")
    frames: dict[str, Any] = {"save_all": True, "append_images": [image.rotate(180)]}
    alpha_frames: dict[str, Any] = {"save_all": True, "append_images": [alpha.rotate(180)]}
    made: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (image, "JPEG", {"exif": exif}),
        (image, "JPEG", {"progressive": True, "subsampling": 0}),
        (smooth, "JPEG", {}),
        (image.convert("CMYK"), "JPEG", {}),
        (image, "PNG", {}),
        (image.convert("P"), "PNG", {"transparency": 3}),
        (alpha, "PNG", alpha_frames),
        (Image.fromarray(random_pixels[:, :, 0].astype(np.uint16) * 257), "PNG", {}),
        (smooth.convert("1"), "PNG", {}),
        (image, "WEBP", {"quality": 50, "exif": exif}),
        (alpha, "WEBP", {"lossless": True}),
        (image, "WEBP", frames),
        (image, "GIF", frames),
        (image, "BMP", {}),
        (image.convert("P"), "BMP", {}),
        (image, "TIFF", {"compression": "tiff_lzw"}),
        (image, "TIFF", {"compression": "jpeg"}),
        (smooth.convert("1"), "TIFF", {"compression": "group4"}),
        (smooth.convert("F"), "TIFF", {"compression": "tiff_deflate"}),
        (smooth.convert("I;16"), "TIFF", {}),
        (image.convert("CMYK"), "TIFF", {}),
    ]
    if features.check("avif"):
        made += [(image, "AVIF", {"exif": exif}), (alpha, "AVIF", alpha_frames)]
    return tuple(_saved(*one) for one in made)


def _saved(image: Image.Image, form: str, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def case(seed: int) -> bytes:
    """The damaged file of this number."""
    choose = random.Random(seed)
    data = bytearray(choose.choice(samples()))
    for _ in range(choose.choice((1, 1, 1, 2, 4, 12))):
        choose.choice(_DAMAGES)(data, choose)
    # a right sum lets the damage behind it reach the decoder
    return _with_right_sums(bytes(data)) if choose.random() < 0.5 else bytes(data)


def _cut(data: bytearray, choose: random.Random) -> None:
    del data[choose.randrange(len(data) + 1) :]


def _flip(data: bytearray, choose: random.Random) -> None:
    if data:
        data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)


def _flip_in_head(data: bytearray, choose: random.Random) -> None:
    if data:
        data[choose.randrange(min(len(data), _HEAD_BYTES))] = choose.randrange(256)


def _edge(data: bytearray, choose: random.Random) -> None:
    """A length, a size or an offset becomes extreme."""
    width = choose.choice((2, 4))
    if len(data) > width:
        reach = choose.choice((_HEAD_BYTES, len(data)))
        at = choose.randrange(min(len(data), reach) - width + 1)
        value = choose.choice(_EDGES) & (2 ** (8 * width) - 1)
        data[at : at + width] = value.to_bytes(width, choose.choice(("big", "little")))


def _drop(data: bytearray, choose: random.Random) -> None:
    at = choose.randrange(len(data) + 1)
    del data[at : at + choose.choice((1, 2, 4, 16, 100))]


def _repeat(data: bytearray, choose: random.Random) -> None:
    at = choose.randrange(len(data) + 1)
    data[at:at] = data[at : at + choose.choice((1, 4, 64, 1000))] * choose.choice((1, 2, 50))


def _splice(data: bytearray, choose: random.Random) -> None:
    """The rest becomes that of another file."""
    other = choose.choice(samples())
    at = choose.randrange(len(data) + 1)
    data[at:] = other[choose.randrange(len(other)) :]


def _noise(data: bytearray, choose: random.Random) -> None:
    at = choose.randrange(len(data) + 1)
    data[at : at + 32] = choose.randbytes(choose.choice((1, 8, 32)))


_DAMAGES = (_cut, _flip, _flip, _flip_in_head, _flip_in_head, _edge, _edge, _drop, _repeat, _splice, _noise)


def _with_right_sums(data: bytes) -> bytes:
    """A PNG whose chunks have right check sums again, as far as its lengths allow."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    out, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        [length] = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            break
        body = data[at + 4 : at + 8 + length]
        out += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return bytes(out + data[at:])


def run(seconds: float, first_seed: int, fit_px: int | None) -> dict[str, Any]:
    """Decode cases until the time is over; what came out, and what should not have."""
    from shared_kernel.vision.pictures import MAX_PIXELS, UnreadablePicture, decode_to_fit

    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    until_s = time.monotonic() + seconds
    seed = first_seed
    while time.monotonic() < until_s and len(wrong) < 5:
        try:
            found = decode_to_fit(case(seed), fit_px if seed % 2 else None)
            outcomes["picture"] += 1
            shape = found.picture.shape
            fits = shape[2] == 3 and found.picture.dtype == np.uint8 and 0 < found.width * found.height <= MAX_PIXELS
            if not fits or shape[0] > found.height or shape[1] > found.width:
                wrong.append(f"seed {seed}: {shape}, {found.width} x {found.height}")
        except UnreadablePicture as error:
            outcomes[error.code] += 1
        except Exception:  # noqa: BLE001 - that is what is looked for
            wrong.append(f"seed {seed}: {traceback.format_exc()[-1500:]}")
        seed += 1
    return {"cases": seed - first_seed, "outcomes": outcomes, "wrong": wrong, "peak_mb": peak_mb()}


def peak_mb() -> int:
    """The most memory this program had, MB; `getrusage` would count what its parent had when it was forked."""
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    faulthandler.enable()  # a crash of the decoder says where
    warnings.simplefilter("ignore")
    print(json.dumps(run(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0, 20)))  # noqa: T201
