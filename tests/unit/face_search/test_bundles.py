from __future__ import annotations

import io
import struct
import zipfile

import pytest

from face_search import bundles
from face_search.bundles import BadBundle, BadFile, Bundle, check_outline
from tests.unit.face_search.zips import sharing, with_link, with_unicode_path, zipped

PICTURE = b"\xff\xd8\xff not decoded here"


def only(file: io.BytesIO) -> tuple[str, str | None]:
    """Path and code of the problem of the only file."""
    [found] = Bundle(file).files
    return found.path, found.problem[0] if found.problem else None


def test_files_are_read_one_by_one() -> None:
    bundle = Bundle(zipped([("a/", b""), ("a/1.jpg", PICTURE), ("b.png", b"other")]))
    assert [(file.path, file.folder, file.name) for file in bundle.files] == [
        ("a/1.jpg", "a", "1.jpg"),
        ("b.png", "", "b.png"),
    ]
    assert [bundle.read(file) for file in bundle.files] == [PICTURE, b"other"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param("张三/1.jpg", "张三/1.jpg", id="says that it is utf-8"),
        pytest.param("张三/1.jpg".encode("gbk"), "张三/1.jpg", id="Windows with Chinese settings"),
        pytest.param("张三/1.jpg".encode(), "张三/1.jpg", id="utf-8 without saying so"),
        pytest.param("𠮷野家/1.jpg".encode("gb18030"), "𠮷野家/1.jpg", id="rare character"),
        pytest.param("Müller\\1.jpg".encode("gb18030"), "Müller/1.jpg", id="backslash"),
        pytest.param("Zoe\u0308/1.jpg", "Zoë/1.jpg", id="decomposed, as macOS writes"),
    ],
)
def test_names_are_read_as_they_were_meant(name: str | bytes, path: str) -> None:
    assert only(zipped([(name, PICTURE)])) == (path, None)


def test_the_name_beside_the_name_counts_when_it_is_of_that_name() -> None:
    assert only(with_unicode_path("王五.jpg".encode("big5"), "王五.jpg")) == ("王五.jpg", None)


@pytest.mark.parametrize(
    "path", ["../../etc/passwd.jpg", "a/../../b.jpg", "/etc/cron.d/x.jpg", "C:\\x.jpg", "..\\..\\x.jpg", "a\x07b.jpg"]
)
def test_paths_that_lead_out_are_refused(path: str) -> None:
    assert only(zipped([(path, PICTURE)]))[1] == "bad_path"


def test_a_path_longer_than_its_column_is_refused_and_cut() -> None:
    path, code = only(zipped([("长" * 300 + ".jpg", PICTURE)]))
    assert (len(path), code) == (255, "bad_path")


@pytest.mark.parametrize(
    ("file", "code"),
    [
        pytest.param(with_link("me.jpg", "/etc/shadow"), "not_a_file", id="link"),
        pytest.param(zipped([("more.zip", b"PK")]), "nested_archive", id="archive in archive"),
        pytest.param(zipped([("a.JPG.7Z", b"7z")]), "nested_archive", id="by its last ending"),
        pytest.param(zipped([("1.jpg", PICTURE)], method=zipfile.ZIP_LZMA), "packing", id="lzma needs memory"),
    ],
)
def test_what_is_no_plain_file_is_refused_unread(file: io.BytesIO, code: str) -> None:
    bundle = Bundle(file)
    [found] = bundle.files
    assert found.problem is not None
    assert found.problem[0] == code
    with pytest.raises(BadFile):
        bundle.read(found)


def test_a_file_with_a_password_is_refused() -> None:
    data = bytearray(zipped([("1.jpg", PICTURE)]).getvalue())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert only(io.BytesIO(data))[1] == "encrypted"


def test_of_two_files_of_one_name_the_first_counts() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        file = zipped([("1.jpg", PICTURE), ("1.jpg", b"other")])
    first, second = Bundle(file).files
    assert first.problem is None
    assert second.problem is not None
    assert second.problem[0] == "double_name"


def test_companions_of_file_managers_are_no_lines() -> None:
    names = ["__MACOSX/a/._1.jpg", "a/.DS_Store", "Thumbs.db", "a/desktop.ini", ".git", "a/1.jpg"]
    assert [file.path for file in Bundle(zipped([(name, b"x") for name in names])).files] == ["a/1.jpg"]


def test_a_picture_that_grows_a_hundred_times_is_a_bomb() -> None:
    bundle = Bundle(zipped([("1.jpg", bytes(5_000_000))]))
    with pytest.raises(BadFile) as caught:
        bundle.read(bundle.files[0])
    assert caught.value.code == "bomb"


def test_a_size_that_lies_is_found_out_while_reading() -> None:
    data = bytearray(zipped([("1.jpg", bytes(range(256)) * 200_000)], method=zipfile.ZIP_STORED).getvalue())
    listed = data.rindex(b"PK\x01\x02")
    data[listed + 24 : listed + 28] = struct.pack("<I", 100)
    bundle = Bundle(io.BytesIO(data))
    with pytest.raises(BadFile):
        bundle.read(bundle.files[0])


def test_a_file_beyond_the_limit_is_refused_by_its_size_already() -> None:
    assert only(zipped([("1.jpg", bytes(bundles.MAX_FILE_BYTES + 1))]))[1] == "too_large"


def test_all_files_together_have_a_limit() -> None:
    bundle = Bundle(zipped([(f"{n}.jpg", bytes(900_000)) for n in range(3)]), max_unpacked_bytes=2_000_000)
    with pytest.raises(BadBundle) as caught:
        for file in bundle.files:
            bundle.read(file)
    assert caught.value.code == "too_large"


def test_files_that_share_their_bytes_are_refused_before_any_is_read() -> None:
    with pytest.raises(BadBundle) as caught:
        Bundle(sharing(1000))
    assert caught.value.code == "overlapping"


def test_a_damaged_file_is_refused_alone() -> None:
    data = bytearray(zipped([("1.jpg", PICTURE), ("2.jpg", b"whole")], method=zipfile.ZIP_STORED).getvalue())
    at = data.index(PICTURE)
    data[at] ^= 0xFF
    bundle = Bundle(io.BytesIO(data))
    with pytest.raises(BadFile, match="unpacked"):
        bundle.read(bundle.files[0])
    assert bundle.read(bundle.files[1]) == b"whole"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "not_a_zip", id="nothing"),
        pytest.param(PICTURE, "not_a_zip", id="a picture"),
        pytest.param(zipped([("1.jpg", PICTURE)]).getvalue()[:-30], "not_a_zip", id="a part of one"),
        pytest.param(b"PK\x05\x06" + b"\xff" * 18, "damaged", id="large, without its record"),
        pytest.param(b"PK\x05\x06" + bytes(8) + struct.pack("<2IH", 9_000_000, 0, 0), "too_many", id="endless list"),
        pytest.param(b"PK\x05\x06" + bytes(6) + b"\x01\x00" + struct.pack("<2IH", 46, 0, 0), "damaged", id="no list"),
    ],
)
def test_what_is_no_zip_is_refused_whole(data: bytes, code: str) -> None:
    with pytest.raises(BadBundle) as caught:
        Bundle(io.BytesIO(data))
    assert caught.value.code == code


def test_a_zip_behind_other_bytes_is_one() -> None:
    whole = b"#!/bin/sh\n" + zipped([("1.jpg", PICTURE)]).getvalue()
    check_outline(io.BytesIO(whole))
    assert only(io.BytesIO(whole)) == ("1.jpg", None)


def test_too_many_files_are_refused() -> None:
    with pytest.raises(BadBundle) as caught:
        Bundle(zipped([(f"{n}", b"") for n in range(bundles.MAX_FILES + 1)], method=zipfile.ZIP_STORED))
    assert caught.value.code == "too_many"
