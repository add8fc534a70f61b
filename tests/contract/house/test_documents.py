"""What is written stays true: links resolve, no path or host of somebody's machine, targets exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.contract.house import tree

_LINK = re.compile(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)")
#: Written in pieces, or this file would find itself.
_MACHINE_PATHS = re.compile(
    "|".join(("/wo" + r"rk/(main|shared|plan)", "/ro" + r"ot/", "/ho" + r"me/\w+/", "C:" + r"\\Users"))
)
_BINARY = {".png", ".jpg", ".mp4", ".onnx", ".bin", ".safetensors", ".ico", ".woff2", ".npz", ".webp"}


def texts() -> list[Path]:
    return [path for path in tree.files() if path.suffix not in _BINARY and path.name != "package-lock.json"]


@pytest.mark.parametrize("page", tree.files_with(".md"), ids=tree.name)
def test_links_resolve(page: Path) -> None:
    broken = []
    for target in _LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", without_code(page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_no_path_of_somebodys_machine() -> None:
    found = [tree.name(path) for path in texts() if _MACHINE_PATHS.search(path.read_text(errors="replace"))]
    assert found == []


def test_every_document_that_the_code_names_exists() -> None:
    named = re.compile(r"docs/(?:guide|reference|design)/[\w./-]+\.(?:md|json)|docs/glossary\.md")
    missing = {
        f"{tree.name(path)}: {document}"
        for path in texts()
        for document in named.findall(path.read_text(errors="replace"))
        if not (tree.ROOT / document).exists()
    }
    assert missing == set()


def test_make_alone_lists_every_target_once() -> None:
    makefile = (tree.ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE)
    shown = subprocess.run(["make", "--no-print-directory"], cwd=tree.ROOT, capture_output=True, text=True, check=True)
    listed = re.findall(r"^  make ([a-z-]+) ", shown.stdout, flags=re.MULTILINE)
    assert sorted(listed) == sorted(set(targets))


def test_ci_runs_what_everybody_runs() -> None:
    script = (tree.ROOT / ".ci/run").read_text(encoding="utf-8")
    commands = [line for line in script.splitlines() if line and not line.startswith(("#", "set ", "cd ", "export "))]
    assert commands == ["make check", "make test"]
    assert "export CI=true" in script
