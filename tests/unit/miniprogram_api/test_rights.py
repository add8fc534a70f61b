"""What `decide` says of a right and a place."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from miniprogram_api.permissions import ALL, BUILT_IN, checked, known
from miniprogram_api.rights import NOTHING, Kind, Scope, Thing, decide, visible
from shared_kernel.errors import Invalid, NotFound

GUARD = Scope(BUILT_IN["guard"], frozenset({"granted"}), "me", 10, frozenset({"root", "own"}), frozenset({"own"}))
OFFICER = replace(GUARD, permissions=BUILT_IN["officer"], below_cameras=frozenset({"ours"}))
ROOT = Scope(BUILT_IN["administrator"], frozenset(), "root", 100, frozenset({"root"}), None, None)


@pytest.mark.parametrize(
    ("scope", "action", "thing", "allowed"),
    [
        (GUARD, "pass.read", Thing("camera", camera_id="granted"), True),
        (GUARD, "pass.read", Thing("camera", camera_id="ours"), False),
        (GUARD, "pass.export", Thing("camera", camera_id="granted"), False),
        (OFFICER, "pass.read", Thing("camera", camera_id="ours"), True),
        (OFFICER, "pass.read", Thing("camera", camera_id="granted"), True),
        (OFFICER, "pass.read", Thing("camera", camera_id="theirs"), False),
        (ROOT, "pass.read", Thing("camera", camera_id="theirs"), True),
        (GUARD, "patrol.read", Thing("patrol", owner_id="me", org_id="other"), True),
        (GUARD, "patrol.read", Thing("patrol", owner_id="you", org_id="own"), False),
        (OFFICER, "patrol.read", Thing("patrol", owner_id="you", org_id="own"), True),
        (OFFICER, "patrol.read", Thing("patrol", owner_id="you", org_id="other"), False),
        (GUARD, None, Thing("notice", org_id="root"), True),
        (GUARD, None, Thing("notice", org_id="other"), False),
        (OFFICER, "notice.update", Thing("notice", org_id="root"), False),
        (OFFICER, "notice.update", Thing("notice", org_id="own"), True),
        (GUARD, "chat.read", Thing("room", org_id="other", members=frozenset({"me"})), True),
        (GUARD, "chat.delete", Thing("room", org_id="own", members=frozenset({"me"})), False),
        (GUARD, None, Thing("room", org_id="own"), False),
        (GUARD, "user.read", Thing("user", owner_id="me", org_id="own"), False),
        (GUARD, None, Thing("organisation", org_id="own"), True),
        (GUARD, None, Thing("organisation", org_id="root"), False),
        (ROOT, "user.read", Thing("user", org_id="other"), True),
        (OFFICER, "face.search", Thing("person"), False),
        (ROOT, "face.search", Thing("person"), True),
    ],
)
def test_a_right_and_its_place(scope: Scope, action: str | None, thing: Thing, *, allowed: bool) -> None:
    assert decide(scope, next(iter(known([action])), None), thing) is allowed


@pytest.mark.parametrize("kind", ["camera", "patrol", "request", "room", "notice", "user", "person", "export"])
def test_who_is_nobody_reaches_nothing(kind: Kind) -> None:
    things = [Thing(kind, owner_id=""), Thing(kind, org_id=""), Thing(kind, camera_id=""), Thing(kind)]
    assert not any(decide(NOTHING, None, thing) for thing in things)


def test_a_denial_looks_like_what_is_not_there() -> None:
    texts = []
    for found in (None, "row"):
        with pytest.raises(NotFound) as refused:
            visible(GUARD, "patrol.read", found, lambda _row: Thing("patrol", org_id="other"), "patrol 1")
        texts.append((str(refused.value), refused.value.code))
    assert texts[0] == texts[1] == ("patrol 1: expected one that you may see, found none", "no_patrol")


def test_permissions_have_a_module_and_an_action_and_the_original_28_are_there() -> None:
    modules, actions = (
        ("camera", "patrol", "user", "chat"),
        ["create", "delete", "update", "read", "approve", "export", "backup"],
    )
    assert {f"{module}.{action}" for module in modules for action in actions} <= set(ALL)
    assert len(set(ALL)) == len(ALL)
    assert all(len(name) <= 32 and name.count(".") == 1 for name in ALL)
    ranks = ["guard", "senior_guard", "team_leader", "officer", "regional_administrator", "administrator"]
    for lower, higher in pairwise(ranks):
        assert BUILT_IN[lower] < BUILT_IN[higher], f"{higher} lacks what {lower} has"


def test_unknown_permissions() -> None:
    assert known(["pass.read", "pass.view", 3, None]) == {"pass.read"}
    with pytest.raises(Invalid):
        checked(["pass.read", "world.rule"])
