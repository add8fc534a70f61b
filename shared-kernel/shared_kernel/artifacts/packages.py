"""Where a pinned package's archive lies, by the index this machine is set up for. Used by `fetching`.

pip's settings decide for PyPI (index-url, extra-index-url, find-links, cert: files and environment alike), npm's for
npm (registry, cafile), so mirrors and offline folders work unasked. The archive is chosen by its sum, which names one
file of a release whatever the platform; pip itself would build the metadata of an sdist, and that runs its code.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from shared_kernel.artifacts.download import Access, read_page
from shared_kernel.artifacts.entries import NpmSource, PypiSource
from shared_kernel.errors import ArtifactError

_PYPI = "https://pypi.org/simple"
_JSON, _HTML = "application/vnd.pypi.simple.v1+json", "text/html"
_MAX_PAGE_BYTES = 64 * 1024 * 1024
_SETTINGS_TIMEOUT_S = 30
_ARCHIVE_ENDINGS = (".whl", ".tar.gz", ".zip", ".tgz", ".tar.bz2")


def locate(source: PypiSource | NpmSource, access: Access) -> tuple[str, Access]:
    """Address of the archive, and how to reach it.

    Raises:
        ArtifactError: no configured index knows it; the text says what each answered.
    """
    return _locate_npm(source, access) if isinstance(source, NpmSource) else _locate_pypi(source, access)


def _locate_pypi(source: PypiSource, access: Access) -> tuple[str, Access]:
    name, version = source.package
    settings = _pip_settings()
    access = replace(access, ca_file=settings.get("cert") or access.ca_file)
    project = re.sub(r"[-_.]+", "-", name).lower()
    indexes = [settings.get("index-url", _PYPI), *settings.get("extra-index-url", "").split()]
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        indexes = []
    reasons = []
    pages = [*settings.get("find-links", "").split(), *(f"{index.rstrip('/')}/{project}/" for index in indexes)]
    for page in pages:
        try:
            link = _matching(_links(page, access), project, version, source.sha256)
        except ArtifactError as error:
            reasons.append(f"{_without_password(page)}: {error}")
            continue
        if link:
            return link, access
        reasons.append(f"{_without_password(page)}: no file of this release with the pinned sha256")
    raise ArtifactError("; ".join(reasons) or "pip is set to no-index and no find-links")


def _matching(links: list[str], project: str, version: str, sha256: str) -> str | None:
    """The link whose fragment carries the sum; failing fragments, the first of that release whose bytes have it."""
    unsigned = None
    for link in links:
        split = urllib.parse.urlsplit(link)
        file = urllib.parse.unquote(split.path.rpartition("/")[2])
        if split.fragment == f"sha256={sha256}":
            return split._replace(fragment="").geturl()
        release = re.sub(r"[-_.]+", "-", f"{project}-{version}").lower()
        named = re.sub(r"[-_.]+", "-", file).lower()
        if not split.fragment and named.startswith(release + "-") and file.endswith(_ARCHIVE_ENDINGS):
            local = Path(urllib.request.url2pathname(split.path)) if split.scheme == "file" else None
            if local is None or hashlib.sha256(local.read_bytes()).hexdigest() == sha256:
                unsigned = unsigned or link
    return unsigned


def _links(page: str, access: Access) -> list[str]:
    """Absolute links of an index page, JSON or HTML, or of the files in a folder."""
    folder = _folder(page)
    if folder is not None:
        if (folder / "index.html").is_file() and not Path(page).is_absolute():
            page = (folder / "index.html").as_uri()
        elif folder.is_dir():
            return [path.resolve().as_uri() for path in sorted(folder.iterdir()) if path.is_file()]
        else:
            raise ArtifactError("no such folder")
    body, kind, final = read_page(page, f"{_JSON}, {_HTML};q=0.5", _MAX_PAGE_BYTES, access)
    if kind.startswith(_JSON):
        try:
            files = json.loads(body)["files"]
            links = [f"{entry['url']}#sha256={entry['hashes'].get('sha256', '')}" for entry in files]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(f"expected the JSON of a package index, got {body[:60]!r}") from error
    else:
        parser = _Anchors()
        parser.feed(body.decode("utf-8", "replace"))
        links = parser.links
    base = _with_password(final, page)
    return [urllib.parse.urljoin(base, link) for link in links]


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for key, value in attrs if tag == "a" and key == "href" and value]


def _folder(page: str) -> Path | None:
    if page.startswith("file:"):
        return Path(urllib.request.url2pathname(urllib.parse.urlsplit(page).path))
    return None if "://" in page else Path(page).expanduser()


def _without_password(url: str) -> str:
    split = urllib.parse.urlsplit(url)
    return split._replace(netloc=split.netloc.rpartition("@")[2]).geturl()


def _with_password(final: str, asked: str) -> str:
    """Relative links of a page that needed a password need it too, but only on the same host."""
    split, origin = urllib.parse.urlsplit(final), urllib.parse.urlsplit(asked)
    return split._replace(netloc=origin.netloc).geturl() if origin.hostname == split.hostname else final


def _pip_settings() -> dict[str, str]:
    """pip's effective settings for downloads, from its files and from the environment; empty where pip is missing."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=_SETTINGS_TIMEOUT_S, check=False)  # noqa: S603
    found: dict[str, tuple[int, str]] = {}
    ranks = {"global": 0, "install": 1, "download": 2, ":env:": 3}
    for line in answer.stdout.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        rank = ranks.get(section, -1)
        if rank >= found.get(name, (0, ""))[0]:
            found[name] = (rank, str(ast.literal_eval(value)))
    return {name: value for name, (_, value) in found.items()}


def _locate_npm(source: NpmSource, access: Access) -> tuple[str, Access]:
    name, version = source.package
    registry, ca_file = _npm_setting("registry"), _npm_setting("cafile")
    if registry is None:
        raise ArtifactError("npm registry: expected npm, or npm_config_registry in the environment, found neither")
    access = replace(access, ca_file=ca_file or access.ca_file)
    page = f"{registry.rstrip('/')}/{name.replace('/', '%2F')}/{version}"
    try:
        body, _, _ = read_page(page, "application/json", _MAX_PAGE_BYTES, access)
        return str(json.loads(body)["dist"]["tarball"]), access
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{_without_password(page)}: expected a package description, got something else") from error
    except ArtifactError as error:
        raise ArtifactError(f"{_without_password(page)}: {error}") from error


def _npm_setting(name: str) -> str | None:
    """npm's effective setting; where npm is missing, what its environment variable says."""
    npm = shutil.which("npm")
    if not npm:
        return os.environ.get(f"npm_config_{name}")
    command = [npm, "config", "get", name]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=_SETTINGS_TIMEOUT_S, check=False)  # noqa: S603
    value = answer.stdout.strip()
    return None if value in ("", "null", "undefined") else value
