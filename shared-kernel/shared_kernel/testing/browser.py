"""A real Chromium, driven by Playwright: the installed one, else one unpacked from Debian packages into the cache.

Playwright's own download is not used: package registries are what a machine can be expected to reach.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from shared_kernel.testing.debian import library_path, unpacked
from shared_kernel.testing.missing import PartMissing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
#: libatomic1 is for the Node.js that drives the browser.
_PACKAGES = ("chromium", "fonts-noto-cjk", "fonts-dejavu-core", "libatomic1")
#: No sandbox: tests may run as root, and only pages of our own are opened. The rest keeps it from calling its maker.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
#: Chinese is the first language of our screens.
_LOCALE = "zh-CN"


@dataclass(frozen=True)
class Chromium:
    """The program and the variables it needs."""

    program: Path
    environment: dict[str, str] = field(default_factory=dict)


def find_chromium(cache: Path) -> Chromium:
    """The browser named by XUNSHI_CHROMIUM, the installed one, or one from Debian packages.

    Raises:
        PartMissing: none of them.
    """
    named = os.environ.get("XUNSHI_CHROMIUM")
    for name in (named,) if named else _NAMES:
        if found := shutil.which(name):
            return Chromium(Path(found))
    if named:
        raise PartMissing(f"browser: XUNSHI_CHROMIUM names {named}, which cannot be run")
    try:
        tree = unpacked(_PACKAGES, cache / "browser" / "tree")
    except PartMissing as error:
        raise PartMissing(f"browser: install chromium; {error}") from error
    environment = {"LD_LIBRARY_PATH": library_path(tree)}
    if not Path("/etc/fonts/fonts.conf").exists():
        environment["FONTCONFIG_FILE"] = str(_font_configuration(tree))
    return Chromium(tree / "usr" / "lib" / "chromium" / "chromium", environment)


def _font_configuration(tree: Path) -> Path:
    """The tree's fonts lie where no program looks for them."""
    path = tree / "fonts.conf"
    folder, cached = tree / "usr" / "share" / "fonts", tree / "font-cache"
    path.write_text(f"<fontconfig><dir>{folder}</dir><cachedir>{cached}</cachedir></fontconfig>", encoding="utf-8")
    return path


@contextmanager
def running_browser(cache: Path) -> Iterator[Browser]:
    """Chromium without a window. It ends when this does, and when the process that asked for it is killed.

    Raises:
        PartMissing: no browser here.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise PartMissing("browser: pip install playwright") from error
    chromium = find_chromium(cache)
    # HOME keeps the browser's own files away from those of the user
    with (
        tempfile.TemporaryDirectory(prefix="xunshi-browser-", ignore_cleanup_errors=True) as home,
        _variables(chromium.environment),  # the driver is started with those of this process
        sync_playwright() as driver,
    ):
        environment: dict[str, str | float | bool] = {**os.environ, "HOME": home}
        browser = driver.chromium.launch(
            executable_path=chromium.program, args=[*_ARGUMENTS, "--headless=new"], env=environment
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def _variables(wanted: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def fresh_page(browser: Browser, width: int = 1440, height: int = 900) -> Iterator[Page]:
    """A page with its own cookies and storage, in Chinese."""
    context = browser.new_context(locale=_LOCALE, viewport={"width": width, "height": height})
    try:
        yield context.new_page()
    finally:
        context.close()
