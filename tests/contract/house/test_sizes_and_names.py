"""Files and functions that a reader can hold in the head, named for what they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.house import tree

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
BANNED_NAMES = re.compile(r"^(utils?|helpers?|common|managers?|core|misc|tools?|base|lib)$|_(utils?|helpers?|manager)$")
_CODE = (".py", ".ts", ".vue", ".mjs", ".js")
#: Not read as code: lists of words grow with the screens, generated types with the API.
_NOT_CODE = re.compile(r"^dashboard/src/(locales|api/generated)/")


def code_files() -> list[Path]:
    return [path for path in tree.files_with(*_CODE) if not _NOT_CODE.match(tree.name(path))]


def test_no_module_is_too_long() -> None:
    lengths = {tree.name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in code_files()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_MODULE_LINES} == {}


def test_no_function_is_too_long() -> None:
    found = {
        f"{tree.name(path)}:{function.name}": lines
        for path in tree.files_with(".py")
        for function in functions(path)
        if (lines := (function.end_lineno or function.lineno) - function.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert found == {}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    names = {part for path in code_files() for part in (*path.relative_to(tree.ROOT).parts[:-1], path.stem)}
    assert sorted(name for name in names if BANNED_NAMES.search(name.replace("-", "_"))) == []


@pytest.mark.parametrize("package", tree.PACKAGES)
def test_every_module_opens_with_its_job(package: str) -> None:
    without = [
        tree.name(path)
        for path in tree.modules_of(package)
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert without == []


@pytest.mark.parametrize("package", tree.PACKAGES)
def test_exceptions_are_not_swallowed_whole(package: str) -> None:
    """`except Exception` stands in worker loops only, and there it says so: at most one a module, none bare."""
    for path in tree.modules_of(package):
        handlers = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ExceptHandler)]
        assert all(handler.type is not None for handler in handlers), tree.name(path)
        broad = [one for one in handlers if isinstance(one.type, ast.Name) and one.type.id == "Exception"]
        assert len(broad) <= 1, tree.name(path)


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_a_readme_is_read_in_one_go(name: str) -> None:
    assert len((tree.ROOT / name).read_text(encoding="utf-8").splitlines()) <= 150


def test_decisions_are_short() -> None:
    long = [
        tree.name(path)
        for path in (tree.ROOT / "docs" / "design").glob("*.md")
        if len(path.read_text().splitlines()) > 150
    ]
    assert long == []
