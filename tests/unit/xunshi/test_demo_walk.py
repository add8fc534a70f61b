"""People of the demo walk, stop, turn and leave as their steps say; what they do adds up in every scenario."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from xunshi.demo.figure import Outfit
from xunshi.demo.masks import SURGICAL_BLUE, Cover
from xunshi.demo.scenarios import DEMO, SHORT, Scenario
from xunshi.demo.subjects import SUBJECTS
from xunshi.demo.walk import SPEED_M_S, Turn, Visit, Wait, Walk, duration_s, pose

PLAIN = Outfit((80, 80, 80), (60, 60, 60))


def _visit(*steps: Walk | Wait | Turn) -> Visit:
    return Visit("guard", "cheong", PLAIN, enters_at_s=2.0, start=(0.0, 8.0), steps=steps)


def test_nobody_is_there_before_and_after_the_visit() -> None:
    visit = _visit(Walk(0.0, 8.0 - SPEED_M_S), Wait(1.0))
    assert duration_s(visit) == pytest.approx(2.0)
    assert pose(visit, 1.99) is None
    assert pose(visit, 2.0) is not None
    assert pose(visit, 4.01) is None


def test_walking_has_one_speed_and_waiting_none() -> None:
    visit = _visit(Walk(0.0, 8.0 - 2 * SPEED_M_S), Wait(1.0))
    half, standing = pose(visit, 3.0), pose(visit, 4.5)
    assert half is not None
    assert standing is not None
    assert half.z_m == pytest.approx(8.0 - SPEED_M_S)
    assert half.vigour == 1.0
    assert standing.z_m == pytest.approx(8.0 - 2 * SPEED_M_S)
    assert standing.vigour == 0.0


def test_who_turns_faces_away_until_turning_again() -> None:
    visit = _visit(Turn(), Wait(1.0), Turn(), Wait(1.0))
    facing = [found.facing for step in range(200) if (found := pose(visit, 2.0 + step / 50)) is not None]
    assert facing[0] == 1.0
    assert min(facing) == -1.0
    assert facing[-1] == 1.0


@pytest.mark.parametrize("scenario", [DEMO, SHORT], ids=lambda scenario: scenario.name)
def test_a_scenario_can_be_played_in_a_loop(scenario: Scenario) -> None:
    assert len({visit.person for visit in scenario.visits}) == len(scenario.visits)
    for visit in scenario.visits:
        assert visit.subject in SUBJECTS
        assert visit.enters_at_s >= 0
        assert visit.enters_at_s + duration_s(visit) < scenario.duration_s


@pytest.mark.parametrize("scenario", [DEMO, SHORT], ids=lambda scenario: scenario.name)
def test_nobody_jumps(scenario: Scenario) -> None:
    for visit in scenario.visits:
        places = [(at.x_m, at.z_m) for step in range(1500) if (at := pose(visit, step / 25)) is not None]
        assert max(math.dist(a, b) for a, b in pairwise(places)) <= SPEED_M_S / 25 + 1e-6


def test_the_demo_shows_every_state() -> None:
    states = {visit.outfit.cover if visit.outfit.mask else None for visit in DEMO.visits}
    assert states == {Cover.FULL, Cover.NOSE_BARE, None}
    assert SURGICAL_BLUE in {visit.outfit.mask for visit in DEMO.visits}
