"""The answers to a question for a password, against the examples of the RFCs and against a server's own sums."""

from __future__ import annotations

import hashlib
import re

import pytest

from stream_service.challenge import answer


def test_basic_is_answered() -> None:
    said = answer(['Basic realm="camera"'], "GET", "/", "Aladdin", "open sesame")
    assert said == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


@pytest.mark.parametrize(("algorithm", "make"), [("MD5", hashlib.md5), ("SHA-256", hashlib.sha256)])
def test_digest_with_quality_of_protection(algorithm: str, make: object) -> None:
    asked = f'Digest realm="r", qop="auth,auth-int", algorithm={algorithm}, nonce="n0", opaque="o"'
    said = answer([asked], "DESCRIBE", "rtsp://h/x", "admin", "secret") or ""
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', said))

    def hashed(text: str) -> str:
        return str(make(text.encode()).hexdigest())  # type: ignore[operator]

    words = [hashed("admin:r:secret"), "n0", "00000001", fields["cnonce"], "auth", hashed("DESCRIBE:rtsp://h/x")]
    assert fields["response"] == hashed(":".join(words))
    assert fields["opaque"] == "o"
    assert "secret" not in said


def test_digest_of_old_cameras() -> None:
    said = answer(['Digest realm="IP Camera", nonce="abc"'], "DESCRIBE", "rtsp://h/x", "admin", "p") or ""
    ha1 = hashlib.md5(b"admin:IP Camera:p").hexdigest()
    ha2 = hashlib.md5(b"DESCRIBE:rtsp://h/x").hexdigest()
    assert f'response="{hashlib.md5(f"{ha1}:abc:{ha2}".encode()).hexdigest()}"' in said


def test_the_safer_of_two_is_taken() -> None:
    both = ['Basic realm="x"', 'Digest realm="x", nonce="1"']
    assert (answer(both, "GET", "/", "a", "b") or "").startswith("Digest ")


@pytest.mark.parametrize(
    "asked",
    [
        [],
        [""],
        ["Negotiate"],
        ['Digest realm="x"'],
        ['Digest nonce="1", algorithm=SHA-512'],
        ['Digest nonce="1", qop="x"'],
    ],
)
def test_what_is_not_known_is_not_answered(asked: list[str]) -> None:
    assert answer(asked, "GET", "/", "a", "b") is None


def test_what_a_server_quotes_stays_quoted() -> None:
    said = answer(['Digest realm="a, b=\\"c\\"", nonce="1"'], "GET", "/", 'x"y', "b") or ""
    assert 'username="x\\"y"' in said
