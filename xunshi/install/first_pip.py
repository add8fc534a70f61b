"""pip for an interpreter that came without it (Debian without python3-venv): the system's, else the index's.

Reads the index address as pip would: PIP_INDEX_URL, then pip's configuration files, then PyPI. Used by `environment`.
"""

from __future__ import annotations

import configparser
import hashlib
import os
import re
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from install.steps import StepFailed, Steps

_TIMEOUT_S = 30.0
_FILES = ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")


def install(steps: Steps, python: Path, lock: Path) -> None:
    """Give `python` the pip that `lock` names.

    Raises:
        StepFailed: neither way worked; the text says what to install.
    """
    found = re.search(r"^pip==(\S+)$", lock.read_text(), re.MULTILINE)
    version = found.group(1) if found else ""
    try:
        steps.run([sys.executable, "-m", "pip", "--python", python, "install", f"pip=={version}"])
    except StepFailed:
        try:
            _from_index(steps, python, version)
        except (OSError, ValueError) as error:
            raise StepFailed(
                f"pip: this Python has none and the index gave none ({error}).\n"
                "Debian and Ubuntu: apt install python3-venv, then try again."
            ) from error


def _from_index(steps: Steps, python: Path, version: str) -> None:
    page_url = f"{_index().rstrip('/')}/pip/"
    page = _read(page_url).decode()
    name = f"pip-{version}-py3-none-any.whl"
    link = re.search(rf'href="([^"]*{re.escape(name)}[^"]*)"', page)
    if link is None:
        raise ValueError(f"{name} is not listed at {page_url}")
    address, _, fragment = urllib.parse.urljoin(page_url, link.group(1)).partition("#")
    wheel = _read(address)
    wanted = re.search(r"sha256=([0-9a-f]{64})", fragment)
    if wanted and hashlib.sha256(wheel).hexdigest() != wanted.group(1):
        raise ValueError(f"{name}: expected sha256 {wanted.group(1)}, got another")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(wheel)
        steps.run([python, path / "pip", "install", "--no-index", path])


def _index() -> str:
    if url := os.environ.get("PIP_INDEX_URL"):
        return url
    settings = configparser.ConfigParser(interpolation=None)
    settings.read([Path(name).expanduser() for name in (*_FILES, os.environ.get("PIP_CONFIG_FILE", os.devnull))])
    return settings.get("global", "index-url", fallback="https://pypi.org/simple")


def _read(url: str) -> bytes:
    if not url.startswith(("https://", "http://", "file://")):
        raise ValueError(f"index address {url!r}: expected http(s) or file")
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - scheme checked above
        data: bytes = answer.read()
    return data
