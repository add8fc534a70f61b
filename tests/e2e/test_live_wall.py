"""The wall in a real browser: pictures with boxes, other ways when the best is closed, and back after a break."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from shared_kernel.testing import wait_until
from shared_kernel.testing.browser import fresh_page
from xunshi.testing import RunningStack

CAMERA = "Gate"
OWN_PASSWORD = "a-password-of-my-own-1"
LIVE = re.compile("live")
#: A network that lets no WebSocket through.
NO_WEBSOCKET = (
    "window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({ code: 1006 })) } close() {} }"
)


def wall(page: Page, stack: RunningStack) -> Locator:
    """The camera's tile, after the login."""
    page.goto(stack.url)
    page.get_by_label("用户名").fill("admin")
    page.locator("input[name=password]").fill(OWN_PASSWORD)
    page.get_by_role("button", name="登录").click()
    return page.locator(".tile", has_text=CAMERA)


def pictures(tile: Locator) -> int:
    """Pictures that the browser has shown."""
    shown: Any = tile.locator("video").evaluate("video => video.getVideoPlaybackQuality().totalVideoFrames")
    return int(shown)


@pytest.mark.timeout(240)
def test_the_wall_plays_whatever_the_network_allows(
    page: Page, browser: Browser, stack: RunningStack, gate: str
) -> None:
    client = stack.client()
    client.add_camera(CAMERA, gate)
    tile = wall(page, stack)
    expect(tile).to_have_attribute("data-mode", LIVE, timeout=30_000)
    expect(tile.locator(".delay")).to_contain_text("秒")
    # somebody walks there, and is marked at the moment of the picture
    expect(tile.locator("canvas.boxes")).to_have_attribute("data-faces", re.compile("[1-9]"), timeout=30_000)
    page.get_by_role("button", name="画面叠加").click()
    page.locator(".switches .el-switch").first.click()
    expect(tile.locator("canvas.boxes")).to_have_count(0)

    with fresh_page(browser, 390, 844) as phone:
        phone.add_init_script(NO_WEBSOCKET)
        other = wall(phone, stack)
        expect(other).to_have_attribute("data-mode", LIVE, timeout=40_000)
        expect(other).to_contain_text("HLS")
        wait_until(lambda: pictures(other) > 20, 30, "HLS plays on")

    before = pictures(tile)
    os.kill(stack.pid_of("stream"), signal.SIGKILL)
    expect(tile).not_to_have_attribute("data-mode", LIVE, timeout=20_000)
    expect(tile).to_have_attribute("data-mode", LIVE, timeout=60_000)
    wait_until(lambda: pictures(tile) not in (0, before), 20, "the picture moves again")
