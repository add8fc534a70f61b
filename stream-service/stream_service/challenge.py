"""Answers the question for a name and a password, for RTSP and HTTP: Basic and Digest (RFC 7617, RFC 7616). Pure."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Final

_FIELD: Final = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES: Final = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def answer(challenges: Iterable[str], method: str, uri: str, user: str, password: str) -> str | None:
    """The `Authorization` header for the best of the `WWW-Authenticate` headers; None when none is known here."""
    basic = None
    for challenge in challenges:
        kind, _, rest = challenge.strip().partition(" ")
        if kind.lower() == "digest":
            said = {name.lower(): quoted or plain for name, quoted, plain in _FIELD.findall(rest)}
            if (digest := _digest(said, method, uri, user, password)) is not None:
                return digest
        elif kind.lower() == "basic":
            basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return basic


def _digest(said: dict[str, str], method: str, uri: str, user: str, password: str) -> str | None:
    algorithm = said.get("algorithm", "MD5")
    make = _HASHES.get(algorithm.upper().removesuffix("-SESS"))
    qops = [one.strip() for one in said.get("qop", "").split(",") if one.strip()]
    if make is None or "nonce" not in said or (qops and "auth" not in qops):
        return None

    def hashed(*words: str) -> str:
        return make(":".join(words).encode()).hexdigest()

    realm, nonce, client = said.get("realm", ""), said["nonce"], secrets.token_hex(8)
    secret = hashed(user, realm, password)
    if algorithm.lower().endswith("-sess"):
        secret = hashed(secret, nonce, client)
    asked = hashed(method, uri)
    fields = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
    if qops:
        fields["response"] = hashed(secret, nonce, "00000001", client, "auth", asked)
    else:
        fields["response"] = hashed(secret, nonce, asked)
    if "opaque" in said:
        fields["opaque"] = said["opaque"]
    text = ", ".join(f'{name}="{_escaped(value)}"' for name, value in fields.items())
    extra = f', qop=auth, nc=00000001, cnonce="{client}"' if qops else ""
    named = f", algorithm={algorithm}" if "algorithm" in said else ""
    return f"Digest {text}{named}{extra}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
