from __future__ import annotations

from collections.abc import Iterable

import pytest

from shared_kernel.door import SERVICE_USER, Door, Known
from shared_kernel.errors import Forbidden, Unauthorised, Unavailable

TOKEN = "t" * 40
PERMISSION = "photo.detect"


class CannedUsers:
    """An API whose answers are set by hand."""

    def __init__(self) -> None:
        self.permissions = frozenset({PERMISSION})
        self.cameras: frozenset[str] | None = frozenset({"gate"})
        self.name = "ada"
        self.away = False
        self.asked = 0

    def known(self, access_token: str) -> Known:
        self._ask()
        if access_token != "good":
            raise Unauthorised("access token: expected a valid one, got none", code="access_token")
        return self.of("u1")

    def of(self, user_id: str) -> Known:
        self._ask()
        return Known(user_id=user_id, username=self.name, permissions=self.permissions, cameras=self.cameras)

    def holders(self, permission: str, user_ids: Iterable[str]) -> frozenset[str]:
        self._ask()
        return frozenset(user_ids) if permission in self.permissions else frozenset()

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
        door.enter(header, PERMISSION)


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN} "])
def test_services_come_in_without_the_api_and_may_do_everything(door: Door, users: CannedUsers, header: str) -> None:
    users.away = True
    caller = door.enter(header, PERMISSION)
    assert (caller.is_service, caller.may("anything"), caller.sees("any camera")) == (True, True, True)
    assert door.readmit(SERVICE_USER, PERMISSION) == caller
    assert door.holders(PERMISSION, [SERVICE_USER]) == {SERVICE_USER}
    assert users.asked == 0


def test_a_user_is_asked_about_once_in_a_while(door: Door, users: CannedUsers) -> None:
    assert {door.enter("Bearer good", PERMISSION).user_id for _ in range(5)} == {"u1"}
    asked = users.asked
    for _ in range(5):
        assert door.enter("Bearer good", PERMISSION).user_id == "u1"
    assert users.asked == asked
    assert {door.readmit("u1", PERMISSION).user_id for _ in range(5)} == {"u1"}
    assert users.asked == asked + 1


def test_every_permission_is_asked_for_by_itself(door: Door) -> None:
    assert door.enter("Bearer good", PERMISSION).permissions == {PERMISSION}
    with pytest.raises(Forbidden):
        door.enter("Bearer good", "face.erase")
    with pytest.raises(Forbidden):
        door.readmit("u1", "face.erase")


def test_a_user_without_the_permission_stays_outside(door: Door, users: CannedUsers) -> None:
    users.permissions = frozenset({"pass.read"})
    with pytest.raises(Forbidden):
        door.enter("Bearer good", PERMISSION)
    with pytest.raises(Forbidden):
        door.readmit("u1", PERMISSION)
    assert door.holders(PERMISSION, ["u1", SERVICE_USER]) == {SERVICE_USER}


def test_a_caller_sees_the_cameras_that_the_api_names(users: CannedUsers) -> None:
    some = Door(users, TOKEN).enter("Bearer good", PERMISSION)
    assert (some.sees("gate"), some.sees("yard")) == (True, False)
    users.cameras = None
    every = Door(users, TOKEN).enter("Bearer good", PERMISSION)
    assert (every.sees("gate"), every.sees("yard")) == (True, True)


def test_an_api_that_says_nothing_of_cameras_shows_none() -> None:
    assert Known.model_validate({"user_id": "u1", "permissions": []}).cameras == frozenset()


def test_while_the_api_is_away_users_stay_outside(door: Door, users: CannedUsers) -> None:
    users.away = True
    with pytest.raises(Unavailable):
        door.enter("Bearer good", PERMISSION)
    with pytest.raises(Unavailable):
        door.readmit("u1", PERMISSION)


def test_names_are_told_of_those_who_are_there(door: Door, users: CannedUsers) -> None:
    assert door.name("u1") == "ada"
    assert door.name(SERVICE_USER) is None
    users.name = ""
    assert door.name("gone") is None
    users.away = True
    with pytest.raises(Unavailable):
        door.name("u2")
