"""Organisations as a tree: people see and manage their own part, wherever they look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from miniprogram_api import commands
from miniprogram_api.organisation_commands import OrganisationCommands
from miniprogram_api.organisations import MAX_DEPTH
from shared_kernel.clock import now
from shared_kernel.errors import Conflict, Invalid, NotFound
from shared_kernel.tables import ROOT_ORG_ID, CameraGrant
from tests.integration.miniprogram_api.world import PASSWORD, SERVICE_TOKEN, World


class Tree:
    """root > north > yard, and south; a camera with a pass in north, in yard and in south."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.north = world.organisation("north")
        self.yard = world.organisation("yard", self.north)
        self.south = world.organisation("south")
        self.root_token = world.token()
        self.cameras = {
            place: world.camera(self.root_token, name=place, org_id=getattr(self, place))
            for place in ("north", "yard", "south")
        }
        for camera_id in self.cameras.values():
            world.observe(camera_id)
        self.chief = world.user("regional_administrator", org_id=self.north)
        self.token = str(world.log_in(self.chief)["access_token"])

    def get(self, path: str, token: str | None = None) -> Any:
        answer = self.world.call("GET", path, token or self.token)
        assert answer.status_code == 200, answer.text
        return answer.get_json()


def test_lists_end_where_the_own_part_of_the_tree_ends(world: World) -> None:
    tree = Tree(world)
    mine = {tree.cameras["north"], tree.cameras["yard"]}
    assert {one["camera_id"] for one in tree.get("/cameras")["items"]} == mine
    assert {one["camera_id"] for one in tree.get("/passes")["items"]} == mine
    assert tree.get("/counters")["totals"]["without_mask"] == 2
    assert {one["org_id"] for one in tree.get("/organisations")["items"]} == {tree.north, tree.yard}
    assert tree.get("/organisations")["items"][0]["parent_id"] is None
    guard = world.user("guard", org_id=tree.yard)
    world.user("guard", org_id=tree.south)
    assert {one["user_id"] for one in tree.get("/users")["items"]} == {tree.chief, guard}
    for path in (f"/cameras/{tree.cameras['south']}", f"/cameras/{tree.cameras['south']}/hours"):
        assert world.call("GET", path, tree.token).status_code == 404
    named = world.call("POST", "/internal/callers", SERVICE_TOKEN, json={"access_token": tree.token}).get_json()
    assert set(named["cameras"]) == mine
    whole = world.call("POST", "/internal/callers", SERVICE_TOKEN, json={"access_token": tree.root_token}).get_json()
    assert whole["cameras"] is None


def test_a_camera_that_moves_takes_its_rights_along(world: World) -> None:
    tree = Tree(world)
    yard = tree.cameras["yard"]
    pairs = [{"user_id": tree.chief, "camera_id": yard}]

    def allowed() -> bool:
        answer = world.call("POST", "/internal/rights", SERVICE_TOKEN, json={"pairs": pairs})
        return bool(answer.get_json()["allowed"])

    assert allowed()
    assert world.call("PATCH", f"/cameras/{yard}", tree.token, json={"org_id": tree.south}).status_code == 404
    assert world.call("PATCH", f"/cameras/{yard}", tree.root_token, json={"org_id": tree.south}).status_code == 200
    assert not allowed()
    moved = world.call("PATCH", f"/organisations/{tree.south}", tree.root_token, json={"parent_id": tree.north})
    assert (moved.status_code, moved.get_json()["depth"]) == (200, 2)
    assert allowed()


def test_an_administrator_of_a_part_works_in_it_and_nowhere_else(small_world: World) -> None:
    world, tree = small_world, Tree(small_world)
    new = {"username": "a-guard", "password": PASSWORD, "role": "guard"}
    assert world.call("POST", "/users", tree.token, json={**new, "org_id": tree.south}).status_code == 404
    made = world.call("POST", "/users", tree.token, json=new).get_json()
    assert made["org_id"] == tree.north
    stranger = world.user("guard", org_id=tree.south)
    for path, json in (
        (f"/users/{stranger}", {"display_name": "x"}),
        (f"/users/{made['user_id']}", {"org_id": tree.south}),
        (f"/organisations/{tree.south}", {"name": "x"}),
        (f"/organisations/{tree.yard}", {"parent_id": ROOT_ORG_ID}),
    ):
        assert world.call("PATCH", path, tree.token, json=json).status_code == 404, path
    camera_id = world.camera(tree.token)
    assert world.call("GET", f"/cameras/{camera_id}", tree.token).get_json()["org_id"] == tree.north
    assert world.call("PUT", f"/cameras/{camera_id}/grants/{stranger}", tree.token).status_code == 404
    assert world.call("PUT", f"/cameras/{camera_id}/grants/{made['user_id']}", tree.token).status_code == 204
    role = {"code": "own", "name": "o", "rank": 5, "patrol_radius_m": 5, "permissions": ["pass.read"]}
    assert world.call("POST", "/roles", tree.token, json=role).get_json()["org_id"] == tree.north
    elsewhere = {**role, "code": "x2", "org_id": tree.south}
    assert world.call("POST", "/roles", tree.token, json=elsewhere).status_code == 404
    assert world.call("PATCH", "/roles/guard", tree.token, json={"name": "x"}).status_code == 404
    south = world.token("regional_administrator", org_id=tree.south)
    assert "own" not in [one["code"] for one in tree.get("/roles", south)["items"]]
    foreign = {**new, "username": "b-guard", "role": "own"}
    assert world.call("POST", "/users", south, json=foreign).status_code == 422


def test_a_granted_camera_may_be_seen_and_not_changed(small_world: World) -> None:
    world, tree = small_world, Tree(small_world)
    south = tree.cameras["south"]
    world.grant(south, tree.chief)
    assert world.call("GET", f"/cameras/{south}", tree.token).status_code == 200
    assert world.call("PATCH", f"/cameras/{south}", tree.token, json={"name": "x"}).status_code == 404
    assert world.call("DELETE", f"/cameras/{south}", tree.token).status_code == 404
    with world.database.write() as store:
        ended = CameraGrant(camera_id=south, user_id=tree.chief, granted_by=tree.chief, granted_at=now())
        ended.expires_at = now() - timedelta(seconds=1)
        store.grants.put(ended)
    assert world.call("GET", f"/cameras/{south}", tree.token).status_code == 404


def test_the_tree_stays_a_tree(small_world: World) -> None:
    world, tree = small_world, Tree(small_world)

    def moved(org_id: str, parent_id: str) -> str:
        answer = world.call("PATCH", f"/organisations/{org_id}", tree.root_token, json={"parent_id": parent_id})
        return "" if answer.status_code == 200 else str(answer.get_json()["type"])

    assert moved(tree.north, tree.yard) == "#cycle"
    assert moved(tree.north, tree.north) == "#cycle"
    assert moved(ROOT_ORG_ID, tree.north) == "#root"
    deepest = tree.yard
    for n in range(MAX_DEPTH - 2):
        deepest = world.organisation(f"level {n}", deepest)
    given = {"name": "too deep", "parent_id": deepest}
    refused = world.call("POST", "/organisations", tree.root_token, json=given)
    assert (refused.status_code, refused.get_json()["type"]) == (409, "#too_deep")
    assert moved(tree.north, tree.south) == "#too_deep"


def test_only_an_empty_one_is_removed(world: World) -> None:
    tree = Tree(world)

    def remove(org_id: str) -> str:
        answer = world.call("DELETE", f"/organisations/{org_id}", tree.root_token)
        return "" if answer.status_code == 204 else str(answer.get_json()["type"])

    assert remove(tree.north) == remove(tree.yard) == remove(tree.south) == "#not_empty"
    assert remove(ROOT_ORG_ID) == "#root"
    assert world.call("DELETE", f"/cameras/{tree.cameras['south']}", tree.root_token).status_code == 204
    assert remove(tree.south) == ""
    assert remove(tree.south) == "#no_organisation"


@pytest.mark.parametrize("change", [{"name": ""}, {"code": "A B"}, {"parent_id": "x"}, {"path": "/"}])
def test_a_wrong_organisation_names_the_field(small_world: World, change: dict[str, str]) -> None:
    answer = small_world.call("POST", "/organisations", small_world.token(), json={"name": "n", **change})
    assert [error["field"] for error in answer.get_json()["errors"]] == list(change)


def test_the_last_administrator_of_the_whole_is_not_moved_away(small_world: World) -> None:
    user_id, north = small_world.user(), small_world.organisation("north")
    token = str(small_world.log_in(user_id)["access_token"])
    refused = small_world.call("PATCH", f"/users/{user_id}", token, json={"org_id": north})
    assert (refused.status_code, refused.get_json()["type"]) == (409, "#last_administrator")
    small_world.user("administrator", org_id=north)  # one of a part does not count
    assert small_world.call("PATCH", f"/users/{user_id}", token, json={"role": "guard"}).status_code == 409


def test_organisations_from_the_terminal(world: World) -> None:
    url = world.settings.database_url.get_secret_value()
    commands.create_first_administrator(url)
    tree = OrganisationCommands(url)
    assert tree.add("北厂", code="north").depth == 1
    assert tree.add("院子", code="yard", parent="north").depth == 2
    with pytest.raises(Conflict):
        tree.add("again", code="north")
    with pytest.raises(NotFound):
        tree.add("lost", parent="nowhere")
    tree.rename("yard", "大院")
    tree.move("yard", "root")
    assert [(one.code, one.name, one.depth) for one in tree.all()][1:] == [("north", "北厂", 1), ("yard", "大院", 1)]
    commands.add_user(url, "guard.1", "guard", "yard")
    with pytest.raises(Invalid):
        commands.add_user(url, "guard.2", "king", "yard")
    tree.place("guard.1", "north")
    assert [(one.username, one.organisation) for one in commands.list_users(url)][1:] == [("guard.1", "north")]
    with pytest.raises(Conflict):
        tree.place("admin", "north")
    with pytest.raises(Conflict):
        tree.remove("north")
    tree.remove("yard")
    assert next(one.code for one in tree.roles()) == "guard"
    tree.close()
