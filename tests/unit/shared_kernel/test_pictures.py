from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from shared_kernel.vision.pictures import (
    MAX_BYTES,
    UnreadablePicture,
    decode,
    decode_frame,
    decode_to_fit,
    read_file,
    read_to_fit,
)

#: Left half red, right half blue, with a green upper left corner: tells every turn apart.
_BLUE, _GREEN, _RED = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def _sample(width: int = 40, height: int = 20) -> Image.Image:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    pixels[: height // 2, : width // 4] = (0, 255, 0)
    return Image.fromarray(pixels)


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def _png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def _gif_header(width: int, height: int) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0, 0, 0)
        + b"\x2c"
        + struct.pack("<HHHHB", 0, 0, width, height, 0)
        + b"\x08\x02\x00\x01\x00;"
    )


JPEG = _saved(_sample(), "JPEG", quality=95)
PNG = _saved(_sample(), "PNG")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("no bytes", b"", "not_an_image"),
        ("one byte", b"\xff", "not_an_image"),
        ("a text", b"Dear Sir or Madam,\n" * 100, "not_an_image"),
        ("text that calls itself a JPEG", b"\xff\xd8\xff" + b"not really" * 50, "truncated"),
        ("zeros", bytes(100_000), "not_an_image"),
        ("half a JPEG", JPEG[: len(JPEG) // 2], "truncated"),
        ("the header of a JPEG", JPEG[:30], "truncated"),
        ("half a PNG", PNG[: len(PNG) // 2], "truncated"),
        ("a PNG without pixels", PNG[:33], "truncated"),
        ("half a WebP", _saved(_sample(400, 400), "WEBP")[:200], "truncated"),
        ("a PNG of 60,000 x 60,000 in a kilobyte", _png_header(60_000, 60_000), "too_many_pixels"),
        ("a PNG just over the limit", _png_header(10_000, 5_001), "too_many_pixels"),
        ("a PNG of 95 million pixels", _png_header(9_500, 10_000), "too_many_pixels"),
        ("a GIF of 65,535 x 65,535", _gif_header(65_535, 65_535), "too_many_pixels"),
        ("a PNG without width", _png_header(0, 10), "truncated"),
        ("a PDF", b"%PDF-1.7\n", "unsupported"),
        ("an SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported"),
        ("a HEIC photo", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "unsupported"),
        ("a HEIC of another brand", b"\x00\x00\x00\x18ftypheix\x00\x00\x00\x00", "unsupported"),
        ("a HEIF that is no AVIF", b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "unsupported"),
        ("an AVIF without content", b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00mif1avif", "truncated"),
        ("a video", b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00", "unsupported"),
        ("a JPEG 2000", b"\x00\x00\x00\x0cjP  \r\n\x87\n", "unsupported"),
        ("more bytes than allowed", bytes(MAX_BYTES + 1), "too_large"),
    ],
)
def test_bad_pictures_are_refused_with_a_code(name: str, data: bytes, code: str) -> None:
    with pytest.raises(UnreadablePicture) as caught:
        decode(data)
    assert caught.value.code == code
    assert caught.value.status == 422
    assert caught.value.detail


needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", pytest.param("AVIF", marks=needs_avif)])
def test_every_format_gives_blue_green_red(form: str) -> None:
    picture = decode(_saved(_sample(), form, **({"lossless": True} if form == "WEBP" else {})))
    assert picture.shape == (20, 40, 3)
    assert picture.dtype == np.uint8
    for (y, x), colour in {(15, 5): _RED, (10, 35): _BLUE, (3, 3): _GREEN}.items():
        assert np.abs(picture[y, x].astype(int) - colour).max() < 60


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", pytest.param("AVIF", marks=needs_avif)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_photos_are_set_upright(orientation: int, form: str) -> None:
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = _sample() if undo is None else _sample().transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(_saved(stored, form, quality=95, exif=exif))
    assert picture.shape == (20, 40, 3)
    assert np.abs(picture[3, 3].astype(int) - _GREEN).max() < 60
    assert np.abs(picture[10, 35].astype(int) - _BLUE).max() < 60


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert decode(_saved(_sample(), "JPEG", exif=exif)).shape == (20, 40, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_is_ignored() -> None:
    damaged = JPEG[:2] + b"\xff\xe1\x00\x10Exif\x00\x00II*\x00\xff\xff\xff\xff" + JPEG[2:]
    assert decode(damaged).shape == (20, 40, 3)


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (30, 30), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    for form in ("GIF", "WEBP", "PNG", *(("AVIF",) if features.check("avif") else ())):
        picture = decode(_saved(frames[0], form, save_all=True, append_images=frames[1:]))
        assert np.abs(picture[15, 15].astype(int) - _RED).max() < 10


@pytest.mark.parametrize(
    ("name", "image", "form", "expected"),
    [
        ("grey", Image.new("L", (8, 8), 100), "PNG", (100, 100, 100)),
        ("black and white", Image.new("1", (8, 8), 1), "PNG", (255, 255, 255)),
        ("16 bits", Image.fromarray(np.full((8, 8), 25_700, np.uint16)), "PNG", (100, 100, 100)),
        (
            "palette",
            Image.new("RGB", (8, 8), (10, 20, 30)).convert("P", palette=Image.Palette.ADAPTIVE),
            "PNG",
            (30, 20, 10),
        ),
        ("transparent lies on white", Image.new("RGBA", (8, 8), (9, 9, 9, 0)), "PNG", (255, 255, 255)),
        ("half transparent", Image.new("RGBA", (8, 8), (0, 0, 0, 128)), "WEBP", (127, 127, 127)),
        ("16 bits, big-endian", Image.frombytes("I;16B", (8, 8), b"\x64\x00" * 64), "TIFF", (100, 100, 100)),
        ("grey JPEG", Image.new("L", (8, 8), 100), "JPEG", (100, 100, 100)),
        ("print colours in a TIFF", Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF", (0, 0, 255)),
        ("grey with alpha", Image.new("LA", (8, 8), (50, 255)), "PNG", (50, 50, 50)),
        ("print colours", Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", (0, 0, 255)),
        ("floats", Image.new("F", (8, 8), 0.5), "TIFF", (255, 255, 255)),
    ],
)
def test_every_kind_of_pixel_becomes_8_bit_colour(
    name: str, image: Image.Image, form: str, expected: tuple[int, ...]
) -> None:
    picture = decode(_saved(image, form))
    assert picture.shape == (8, 8, 3)
    assert np.abs(picture[4, 4].astype(int) - expected).max() < 8


def test_files_are_measured_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "big.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(UnreadablePicture) as caught:
        read_file(path)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("data", [b"", b"no jpeg", JPEG[:200]])
def test_frames_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadablePicture):
        decode_frame(data)


def test_a_frame_keeps_its_form_and_colours() -> None:
    picture = decode_frame(JPEG)
    assert picture.shape == (20, 40, 3)
    assert np.abs(picture[10, 35].astype(int) - _BLUE).max() < 60


def _photo(width: int, height: int, mode: str = "RGB", **options: object) -> bytes:
    """A smooth picture with the corners of `_sample`: what decoders reduce must look like the whole, only smaller."""
    return _saved(_sample(width, height).convert(mode), "JPEG", quality=90, **options)


@pytest.mark.parametrize(
    ("name", "size", "fit_px", "expected"),
    [
        ("no size asked", (1600, 800), None, (1600, 800)),
        ("half is too small", (1600, 800), 801, (1600, 800)),
        ("half is just enough", (1600, 800), 800, (800, 400)),
        ("a quarter", (1600, 800), 400, (400, 200)),
        ("an eighth, never less", (1600, 800), 10, (200, 100)),
        ("upright: the longer side decides", (800, 1600), 400, (200, 400)),
        ("odd sides are rounded up", (1601, 801), 801, (801, 401)),
        ("smaller than asked", (40, 20), 640, (40, 20)),
        ("a narrow one", (16, 900), 100, (2, 113)),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_is_decoded_straight_to_the_size_that_is_needed(
    name: str, size: tuple[int, int], fit_px: int | None, expected: tuple[int, int], mode: str
) -> None:
    found = decode_to_fit(_photo(*size, mode), fit_px)
    assert found.picture.shape == (expected[1], expected[0], 3)
    assert (found.width, found.height) == size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_photo_is_upright_and_knows_its_upright_size(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = _photo(800, 400, exif=exif)
    whole, reduced = decode(data), decode_to_fit(data, 200)
    turned = orientation >= 5
    assert (reduced.width, reduced.height) == ((400, 800) if turned else (800, 400)) == whole.shape[1::-1]
    assert reduced.picture.shape[:2] == ((200, 100) if turned else (100, 200))
    assert np.abs(whole[2::4, 2::4].astype(int) - reduced.picture).mean() < 4


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize("fit_px", [None, 200])
def test_a_jpeg_that_ends_too_early_is_found_at_every_size(options: dict[str, object], fit_px: int | None) -> None:
    rough = np.random.default_rng(1).integers(0, 255, (400, 800, 3), np.uint8)
    data = _saved(Image.fromarray(rough), "JPEG", **options)
    for share in (0.99, 0.7, 0.2):
        with pytest.raises(UnreadablePicture) as caught:
            decode_to_fit(data[: int(len(data) * share)], fit_px)
        assert caught.value.code == "truncated"


def test_other_formats_keep_their_size(tmp_path: Path) -> None:
    path = tmp_path / "sample.png"
    path.write_bytes(_saved(_sample(800, 400), "PNG"))
    found = read_to_fit(path, 100)
    assert found.picture.shape == (400, 800, 3)
    assert (found.width, found.height) == (800, 400)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_both_decoders_give_the_same_pixels(mode: str) -> None:
    """OpenCV is taken for speed; what a network sees must not depend on it."""
    data = _saved(
        Image.fromarray(np.random.default_rng(2).integers(0, 255, (90, 70, 3), np.uint8)).convert(mode), "JPEG"
    )
    expected = np.asarray(Image.open(BytesIO(data)).convert("RGB"))[:, :, ::-1]
    assert np.abs(decode(data).astype(int) - expected).max() <= 1
