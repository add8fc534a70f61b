"""A program is unpacked from a Debian package without installing it; what cannot be had is named."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from shared_kernel.testing.debian import library_path, unpacked
from shared_kernel.testing.missing import PartMissing, skip_or_fail


def test_a_program_runs_from_where_it_was_unpacked(tmp_path: Path) -> None:
    try:
        tree = unpacked(["hello"], tmp_path / "tree")
    except PartMissing as missing:
        skip_or_fail(str(missing))
    environment = {**os.environ, "LD_LIBRARY_PATH": library_path(tree), "LC_ALL": "C"}
    said = subprocess.run([tree / "usr/bin/hello"], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == "Hello, world!\n"
    stamp = (tree / "usr/bin/hello").stat().st_ctime_ns
    assert unpacked(["hello"], tmp_path / "tree") == tree
    assert (tree / "usr/bin/hello").stat().st_ctime_ns == stamp
    assert not (tmp_path / "tree-debs").exists()


def test_an_unknown_package_is_a_missing_part(tmp_path: Path) -> None:
    with pytest.raises(PartMissing, match="no-such-package-of-xunshi"):
        unpacked(["no-such-package-of-xunshi"], tmp_path / "tree")


def test_without_apt_nothing_can_be_obtained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PartMissing, match="no apt-get here"):
        unpacked(["hello"], tmp_path / "tree")
