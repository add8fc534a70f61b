"""The browser of the tests runs a page, speaks Chinese and plays H.264."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_page_runs_scripts_in_chinese(page: Page) -> None:
    page.set_content("<h1></h1><script>document.querySelector('h1').textContent = navigator.language</script>")
    assert page.text_content("h1") == "zh-CN"


def test_h264_can_be_played_from_fragments(page: Page) -> None:
    assert page.evaluate("MediaSource.isTypeSupported('video/mp4; codecs=\"avc1.64001f\"')")
