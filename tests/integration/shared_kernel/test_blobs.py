"""One behaviour, two stores: a folder and a real S3 server."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared_kernel.blobs import Blobs
from shared_kernel.errors import NotFound, Unavailable
from shared_kernel.testing import free_port


@pytest.fixture(params=["folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return Blobs.open(f"file://{tmp_path}/blobs")
    return Blobs.open(request.getfixturevalue("s3_url"))


def test_what_was_put_is_got_and_gone_after_delete(blobs: Blobs) -> None:
    blobs.put("evidence/2026/01/02/p/face.jpg", b"\xff\xd8 pixels", content_type="image/jpeg")
    assert blobs.get("evidence/2026/01/02/p/face.jpg") == b"\xff\xd8 pixels"
    blobs.delete("evidence/2026/01/02/p/face.jpg")
    with pytest.raises(NotFound, match=r"evidence/2026/01/02/p/face\.jpg"):
        blobs.get("evidence/2026/01/02/p/face.jpg")


def test_deleting_what_is_gone_is_fine(blobs: Blobs) -> None:
    blobs.delete("evidence/never.jpg")


def test_putting_again_replaces(blobs: Blobs) -> None:
    blobs.put("inbox/a", b"1")
    blobs.put("inbox/a", b"22")
    assert blobs.get("inbox/a") == b"22"


def test_a_store_that_answers_is_ready(blobs: Blobs) -> None:
    blobs.check()


@pytest.mark.parametrize(
    "key", ["../outside", "/etc/passwd", "a/../../b", "", "a//b", "a/.hidden", "a\\b", "a b", "名.jpg", "a/", "a\0b"]
)
def test_a_key_that_could_leave_the_store_is_refused(blobs: Blobs, key: str) -> None:
    for use in (blobs.get, blobs.delete, lambda one: blobs.put(one, b"")):
        with pytest.raises(ValueError, match="expected plain relative path segments"):
            use(key)


def test_another_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected file:///… or s3://…"):
        Blobs.open("ftp://somewhere/blobs")


def test_a_store_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebodysomebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "somethingsomething")
    away = Blobs.open(f"s3://bucket?endpoint=http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match="object storage is not available"):
        away.get("a")
