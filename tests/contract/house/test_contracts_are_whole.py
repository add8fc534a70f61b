"""Topics have two ends, settings have words, pins agree, locales match: what nobody sees break one by one."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from shared_kernel.messages import MESSAGES, Message
from shared_kernel.settings import ServiceSettings
from tests.contract.house import tree
from xunshi.contracts import __main__ as contracts
from xunshi.contracts.settings import SERVICES

#: Of one service, without those that every service has.
MAX_SETTINGS = 20


def service_texts() -> dict[str, str]:
    return {
        service: "\n".join(path.read_text(encoding="utf-8") for path in tree.modules_of(service))
        for service in tree.SERVICES
    }


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.topic)
def test_every_topic_has_a_producer_and_a_consumer(kind: type[Message]) -> None:
    makes = re.compile(rf"\b{kind.__name__}\(")
    takes = re.compile(rf"\b(subscribe|follow)\(\s*(kind=)?{kind.__name__}\b")
    texts = service_texts()
    producers = [service for service, text in texts.items() if makes.search(text)]
    consumers = [service for service, text in texts.items() if takes.search(text)]
    assert producers, f"{kind.topic}: nobody makes a {kind.__name__}"
    assert consumers, f"{kind.topic}: nobody subscribes to {kind.__name__}"
    declared = {group.replace("-", "_") for group in kind.retention.groups}
    assert declared <= set(consumers), f"{kind.topic}: groups {declared} are declared, {consumers} subscribe"


@pytest.mark.parametrize("kind", [ServiceSettings, *(kind for _, kind in SERVICES)], ids=lambda kind: kind.__module__)
def test_every_setting_has_a_meaning(kind: type[ServiceSettings]) -> None:
    fields = kind.model_fields
    assert [name for name, field in fields.items() if not field.description] == []
    assert (
        len(fields.keys() - (ServiceSettings.model_fields.keys() if kind is not ServiceSettings else ()))
        <= MAX_SETTINGS
    )


def test_every_setting_is_on_the_reference_page() -> None:
    page = (tree.ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    common = set(ServiceSettings.model_fields)
    for _, kind in SERVICES:
        for name in set(kind.model_fields) - common:
            assert f"`{kind.model_config['env_prefix']}{name.upper()}`" in page


def test_generated_documents_agree_with_the_code() -> None:
    differing = [
        name
        for name, text in contracts.documents().items()
        if not (tree.ROOT / name).is_file() or (tree.ROOT / name).read_text(encoding="utf-8") != text
    ]
    assert differing == [], "run `make contracts`"


def test_own_pins_agree_with_the_lock() -> None:
    lock = {}
    for name in ("run.lock", "dev.lock"):
        for line in (tree.ROOT / "requirements" / name).read_text().splitlines():
            if line and not line.startswith("#"):
                package, _, version = line.partition("==")
                assert package not in lock, f"{package} is locked twice"
                lock[package] = version
    for folder in tree.PACKAGES.values():
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        for requirement in project["dependencies"]:
            package, _, version = re.sub(r"\[.*?\]", "", requirement).partition("==")
            locked = lock.get(re.sub(r"[-_.]+", "-", package).lower())
            assert locked == version, f"{tree.name(folder)} wants {requirement}, locked is {locked}"


def test_both_locales_have_the_same_keys() -> None:
    chinese, english = (keys_of(tree.ROOT / "dashboard/src/locales" / f"{name}.ts") for name in ("zh-CN", "en"))
    assert chinese == english
    assert len(chinese) > 50


def keys_of(path: Path) -> set[str]:
    """Dotted keys of a locale module: nested objects of strings, one key a line."""
    keys, stack = set(), []
    for line in path.read_text(encoding="utf-8").splitlines():
        if opening := re.match(r"\s+['\"]?([\w.-]+)['\"]?: \{\s*$", line):
            stack.append(opening.group(1))
        elif re.match(r"\s+\},?\s*$", line):
            stack.pop()
        elif leaf := re.match(r"\s+['\"]?([\w.-]+)['\"]?:", line):
            keys.add(".".join([*stack, leaf.group(1)]))
    return keys


def test_the_dashboard_pins_every_package_exactly() -> None:
    package = json.loads((tree.ROOT / "dashboard/package.json").read_text())
    loose = [
        f"{name} {version}"
        for group in ("dependencies", "devDependencies")
        for name, version in package[group].items()
        if not re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", version)
    ]
    assert loose == []
