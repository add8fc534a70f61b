"""The newcomer's first minutes in a real browser: log in, choose a password, add a camera, see it live, see events."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from shared_kernel.testing import wait_until
from tests.e2e.scene import Scene
from xunshi.testing import ApiClient, RunningStack

OWN_PASSWORD = "a-password-of-my-own-1"
CAMERA = "北门 North gate"
#: Mean brightness, 0..255; a black picture is near 0.
NOT_BLACK = 25.0
#: Mean difference of two pictures of a person who walks; noise alone stays below.
MOVES = 0.3
#: A player seeks to a picture, not between two.
SEEKS_TO_S = 0.2


def log_in_for_the_first_time(page: Page, stack: RunningStack) -> None:
    username, one_time = stack.first_login()
    page.goto(stack.url)
    page.get_by_label("用户名").fill(username)
    page.locator("input[name=password]").fill(one_time)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", name="请先设置新密码")).to_be_visible()
    page.get_by_label("新密码", exact=True).fill(OWN_PASSWORD)
    page.get_by_label("再次输入新密码").fill(OWN_PASSWORD)
    page.get_by_role("button", name="设置新密码").click()
    expect(page.get_by_text("还没有摄像头")).to_be_visible()


def add_camera(page: Page, address: str) -> None:
    page.get_by_role("button", name="添加摄像头").first.click()
    page.get_by_label("名称").fill(CAMERA)
    page.get_by_label("视频地址").fill(address)
    page.get_by_role("button", name="测试").click()
    expect(page.get_by_text(re.compile("1280\\s*×\\s*720"))).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text(f"已添加“{CAMERA}”")).to_be_visible()


def picture_of(page: Page) -> NDArray[np.float32]:
    """What the camera's tile shows now, height × width, 0..255."""
    video = page.locator(f'video[aria-label="{CAMERA}"]')
    return np.asarray(Image.open(io.BytesIO(video.screenshot())).convert("L"), dtype=np.float32)


@pytest.mark.timeout(300)
def test_from_first_login_to_the_first_event(page: Page, stack: RunningStack, gate: str, scene: Scene) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    log_in_for_the_first_time(page, stack)
    add_camera(page, gate)

    page.get_by_role("link", name="实时监看").click()
    tile = page.locator(".tile", has=page.locator(f'video[aria-label="{CAMERA}"]'))
    expect(tile).to_have_attribute("data-mode", re.compile("live|playing"), timeout=20_000)
    [first] = wait_until(lambda: bright(picture_of(page)), 20, "a picture that is not black")
    wait_until(lambda: np.abs(picture_of(page) - first).mean() > MOVES, 20, "a picture that moves")

    feed = page.get_by_role("region", name="最新事件")
    rows = feed.get_by_role("listitem")
    expect(rows).to_have_count(scene.truth.total(), timeout=60_000)
    expect(feed.get_by_text("未戴口罩").first).to_be_visible()
    picture = feed.locator("img").first
    wait_until(lambda: picture.evaluate("image => image.complete && image.naturalWidth > 0"), 10, "the face is shown")

    check_records(stack, scene)
    check_clip(page)
    assert faults == []


def bright(picture: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    assert picture.mean() > NOT_BLACK
    return [picture]


def check_records(stack: RunningStack, scene: Scene) -> None:
    client = stack.stranger()
    client.log_in("admin", OWN_PASSWORD)
    wait_until(lambda: all(one["closed_at"] for one in client.passes()), 30, "all passes closed")
    passes = client.passes()
    states = [one["state"] for one in passes]
    assert {state: states.count(state) for state in states} == dict(scene.truth)
    for one in passes:
        for kind in ("face_url", "scene_url"):
            with Image.open(io.BytesIO(client.get_bytes(one[kind]))) as picture:
                assert picture.format == "JPEG"
                assert np.asarray(picture).mean() > NOT_BLACK
    totals = wait_until(lambda: totals_of(client, len(passes)), 10, "counters")
    assert {state: count for state, count in totals.items() if count} == dict(scene.truth)


def check_clip(page: Page) -> None:
    """The clip of somebody who was not protected plays in the page, seeks, and shows where the face is."""
    feed = page.get_by_role("region", name="最新事件")
    feed.get_by_role("button", name=re.compile("未戴口罩")).first.click()
    page.locator(".el-segmented").get_by_text("录像片段").click()
    video = page.locator(".stored video")
    expect(video).to_be_visible(timeout=30_000)
    wait_until(lambda: video.evaluate("video => video.currentTime > 0.2 && video.videoWidth > 0"), 20, "the clip plays")
    video.evaluate("video => { video.pause(); video.currentTime = video.duration / 2 }")
    expect(page.locator(".stored .box").first).to_be_visible(timeout=10_000)
    assert video.evaluate("video => Math.abs(video.currentTime - video.duration / 2)") < SEEKS_TO_S


def totals_of(client: ApiClient, expected: int) -> dict[str, int]:
    first = client.passes()[-1]["opened_at"]
    found: dict[str, int] = client.get("/counters", **{"from": first[:13] + ":00:00Z", "bucket": "hour"})["totals"]
    assert sum(found.values()) == expected
    return found
