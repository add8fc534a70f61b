from __future__ import annotations

from collections.abc import Iterable

import pytest

from inference_service.web.access import PERMISSION, SERVICE_USER, Door, Known
from inference_service.web.turnstile import Turnstile
from shared_kernel.errors import Forbidden, Throttled, Unauthorised, Unavailable

TOKEN = "t" * 40


class CannedUsers:
    """An API whose answers are set by hand."""

    def __init__(self) -> None:
        self.permissions = frozenset({PERMISSION})
        self.away = False
        self.asked = 0

    def known(self, access_token: str) -> Known:
        self._ask()
        if access_token != "good":
            raise Unauthorised("access token: expected a valid one, got none", code="access_token")
        return Known(user_id="u1", permissions=self.permissions)

    def holders(self, user_ids: Iterable[str]) -> frozenset[str]:
        self._ask()
        return frozenset(user_ids) if PERMISSION in self.permissions else frozenset()

    def _ask(self) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable("miniprogram-api", "away")


@pytest.fixture
def users() -> CannedUsers:
    return CannedUsers()


@pytest.fixture
def door(users: CannedUsers) -> Door:
    return Door(users, TOKEN)


@pytest.mark.parametrize(
    "header", [None, "", "good", "Basic good", "Bearer", "Bearer ", "Bearer bad", f"Bearer {TOKEN}x", "Bearer ÿ\udc80"]
)
def test_nobody_comes_in_without_a_token(door: Door, header: str | None) -> None:
    with pytest.raises(Unauthorised):
        door.enter(header)


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN} "])
def test_services_come_in_without_the_api(door: Door, users: CannedUsers, header: str) -> None:
    users.away = True
    assert door.enter(header).is_service
    door.require(SERVICE_USER)
    assert door.holders([SERVICE_USER]) == {SERVICE_USER}
    assert users.asked == 0


def test_a_user_is_asked_about_once_in_a_while(door: Door, users: CannedUsers) -> None:
    assert {door.enter("Bearer good").user_id for _ in range(5)} == {"u1"}
    for _ in range(5):
        door.require("u1")
    assert users.asked == 2


def test_a_user_without_the_permission_stays_outside(door: Door, users: CannedUsers) -> None:
    users.permissions = frozenset({"pass.view"})
    with pytest.raises(Forbidden):
        door.enter("Bearer good")
    with pytest.raises(Forbidden):
        door.require("u1")
    assert door.holders(["u1", SERVICE_USER]) == {SERVICE_USER}


def test_while_the_api_is_away_users_stay_outside(door: Door, users: CannedUsers) -> None:
    users.away = True
    with pytest.raises(Unavailable):
        door.enter("Bearer good")
    with pytest.raises(Unavailable):
        door.require("u1")


def test_the_turnstile_counts_all_and_each() -> None:
    turnstile = Turnstile(max_inside=3, max_of_one=2)
    with turnstile.pass_through("a"), turnstile.pass_through("a"):
        with pytest.raises(Throttled), turnstile.pass_through("a"):
            pass
        with turnstile.pass_through("b"), pytest.raises(Throttled), turnstile.pass_through("c"):
            pass
    with turnstile.pass_through("a"), turnstile.pass_through("c"):
        pass


def test_the_turnstile_lets_out_who_failed() -> None:
    turnstile = Turnstile(max_inside=1, max_of_one=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), turnstile.pass_through("a"):
            _ = 1 / 0
