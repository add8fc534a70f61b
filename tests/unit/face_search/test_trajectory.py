from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from face_search.trajectory import BY_VEHICLE, ON_FOOT, Doubt, Seen, leg, trajectory
from shared_kernel.messages import Decision

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
#: A degree of latitude near the equator, metres.
DEGREE_M = 110_574.0


def seen(
    name: str, at_s: float, north_m: float | None = 0.0, decision: Decision = "auto", *, above: float = 0.2
) -> Seen:
    """A face on the meridian of Greenwich, `north_m` metres from the equator, `above` its threshold."""
    lat = None if north_m is None else north_m / DEGREE_M
    lon = None if north_m is None else 0.0
    return Seen(name, NOON + timedelta(seconds=at_s), lon, lat, decision, 0.4 + above, 0.4)


def names(found: Any) -> list[str]:
    return [one.sighting_id for one in found]


@pytest.mark.parametrize(
    ("metres", "seconds", "verdict", "doubts"),
    [
        # 1.4 m/s, as people walk
        (140, 100, "plausible", []),
        # standing before one camera
        (0, 40, "plausible", []),
        # two cameras that see one place: both at once
        (25, 0, "plausible", []),
        # 60 m in 2 s is 15 m/s, but faces may be 15 m from either camera and clocks 2 s apart
        (60, 2, "doubtful", [Doubt.TOO_FAST]),
        # 5 m/s: running
        (530, 98, "doubtful", [Doubt.TOO_FAST]),
        # nobody runs 11 m/s for a minute
        (720, 60, "impossible", [Doubt.IMPOSSIBLE]),
        # in two places at once
        (400, 0, "impossible", [Doubt.IMPOSSIBLE]),
        # walking pace, but two hours lie between
        (5000, 7200, "doubtful", [Doubt.LONG_GAP]),
        # an hour by car
        (30_000, 3600, "doubtful", [Doubt.TOO_FAST, Doubt.LONG_GAP]),
    ],
)
def test_what_one_body_can_do_on_foot(metres: float, seconds: float, verdict: str, doubts: list[Doubt]) -> None:
    found = leg(seen("a", 0), seen("b", seconds, metres))
    assert (found.verdict, list(found.doubts)) == (verdict, doubts)
    assert found.distance_m == pytest.approx(metres, abs=metres * 1e-4 + 0.01)
    assert found.seconds == seconds
    assert found.speed_m_s == (pytest.approx(metres / seconds, rel=1e-3) if seconds else None)


@pytest.mark.parametrize(
    ("metres", "seconds", "on_foot", "by_vehicle"),
    [
        (1500, 100, "impossible", "doubtful"),
        (900, 100, "doubtful", "plausible"),
        (9000, 100, "impossible", "impossible"),
    ],
)
def test_the_pace_says_what_is_possible(metres: float, seconds: float, on_foot: str, by_vehicle: str) -> None:
    ends = seen("a", 0), seen("b", seconds, metres)
    assert leg(*ends, ON_FOOT).verdict == on_foot
    assert leg(*ends, BY_VEHICLE).verdict == by_vehicle


@pytest.mark.parametrize(
    ("decision", "above", "weight", "doubts"),
    [
        ("confirmed", -0.3, 1.0, []),
        ("auto", 0.2, 0.9, []),
        ("auto", 0.5, 0.9, []),
        ("auto", 0.1, 0.65, []),
        ("auto", 0.02, 0.45, [Doubt.WEAK_SCORE]),
        ("auto", 0.0, 0.4, [Doubt.WEAK_SCORE]),
        ("near_tie", 0.3, 0.25, [Doubt.NEAR_TIE]),
        ("unknown", 0.2, 0.9, []),
    ],
)
def test_a_leg_is_as_sure_as_its_weaker_end(
    decision: Decision, above: float, weight: float, doubts: list[Doubt]
) -> None:
    found = leg(seen("a", 0, decision="confirmed"), seen("b", 100, 100, decision, above=above))
    assert found.weight == pytest.approx(weight)
    assert list(found.doubts) == doubts
    assert found.verdict == ("doubtful" if doubts else "plausible")


def test_sightings_in_any_order_become_one_line() -> None:
    way = [seen("a", 0), seen("b", 60, 80), seen("c", 120, 160), seen("d", 121, 162)]
    for order in itertools.permutations(way):
        found = trajectory(order)
        assert names(found.line) == ["a", "b", "c", "d"]
        assert [(one.start.sighting_id, one.end.sighting_id) for one in found.legs] == [
            ("a", "b"),
            ("b", "c"),
            ("c", "d"),
        ]
        assert found.left_out == ()


def test_one_wrong_recognition_does_not_tear_the_line() -> None:
    found = trajectory([seen("a", 0), seen("x", 30, 5000, above=0.05), seen("b", 60, 80)])
    assert names(found.line) == ["a", "b"]
    assert [one.verdict for one in found.legs] == ["plausible"]
    [out] = found.left_out
    assert (out.seen.sighting_id, out.why, out.disputed) == ("x", Doubt.IMPOSSIBLE, False)
    assert out.leg is not None
    assert out.leg.verdict == "impossible"
    assert out.leg.least_speed_m_s > ON_FOOT.possible_m_s


def test_the_heavier_evidence_wins_even_when_it_came_later() -> None:
    found = trajectory([seen("wrong", 0, 5000, above=0.0), seen("right", 30, 0, "confirmed")])
    assert names(found.line) == ["right"]
    assert [(one.seen.sighting_id, one.disputed) for one in found.left_out] == [("wrong", False)]


def test_equal_evidence_is_called_disputed() -> None:
    found = trajectory([seen("here", 0), seen("there", 10, 5000)])
    assert len(found.line) == 1
    assert [one.disputed for one in found.left_out] == [True]


def test_many_light_ones_weigh_more_than_one_heavy() -> None:
    near = [seen(f"n{i}", 10 * i, 5 * i, "near_tie") for i in range(5)]
    found = trajectory([*near, seen("far", 25, 9000, "confirmed")])
    assert names(found.line) == ["n0", "n1", "n2", "n3", "n4"]
    assert [one.why for one in found.left_out] == [Doubt.IMPOSSIBLE]
    assert found.left_out[0].disputed  # 1.25 against 1.0


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (seen("x", 30, 10, "rejected"), Doubt.REJECTED),
        (seen("x", 30, 10, "unusable"), Doubt.UNUSABLE),
        (seen("x", 30, None), Doubt.NO_PLACE),
        # a rejected one without a place is first of all rejected
        (seen("x", 30, None, "rejected"), Doubt.REJECTED),
    ],
)
def test_what_cannot_be_on_the_line_is_listed(one: Seen, why: Doubt) -> None:
    found = trajectory([seen("a", 0), one, seen("b", 60, 50)])
    assert names(found.line) == ["a", "b"]
    assert [(out.seen.sighting_id, out.why, out.leg) for out in found.left_out] == [("x", why, None)]


@pytest.mark.parametrize("sightings", [[], [seen("x", 0, None)], [seen("x", 0, 0, "rejected")]])
def test_nothing_placed_is_no_line(sightings: list[Seen]) -> None:
    found = trajectory(sightings)
    assert (found.line, found.legs) == ((), ())
    assert len(found.left_out) == len(sightings)


def test_the_line_is_the_heaviest_that_one_body_can_go() -> None:
    """Beside every subset, by brute force."""
    dice = random.Random(11)
    for _ in range(20):
        given = [
            seen(f"s{i}", dice.uniform(0, 300), dice.choice([0, 100, 3000, 6000]), above=dice.choice([0, 0.1, 0.2]))
            for i in range(8)
        ]
        found = trajectory(given)
        ordered = sorted(given, key=lambda one: one.seen_at)
        chains = (c for n in range(1, 9) for c in itertools.combinations(ordered, n))
        feasible = (c for c in chains if all(leg(*pair).verdict != "impossible" for pair in itertools.pairwise(c)))
        best = max(sum(one.weight for one in chain) for chain in feasible)
        assert sum(one.weight for one in found.line) == pytest.approx(best)
        assert all(one.verdict != "impossible" for one in found.legs)
        assert all(out.leg is not None and out.leg.verdict == "impossible" for out in found.left_out)
        assert len(found.line) + len(found.left_out) == 8


def test_what_believing_the_other_would_cost_is_exact() -> None:
    # the line weighs 0.9 + 0.9, through x it would weigh 0.9 (a) or less: x and b exclude each other
    found = trajectory([seen("a", 0), seen("x", 2000, 9000, above=0.2), seen("b", 2010, 0)])
    assert names(found.line) in (["a", "x"], ["a", "b"])
    assert [out.disputed for out in found.left_out] == [True]


@pytest.mark.parametrize(
    "ends", [(seen("a", 10), seen("b", 0)), (seen("a", 0, None), seen("b", 1)), (seen("a", 0), seen("b", 1, None))]
)
def test_a_leg_needs_two_places_in_the_order_of_time(ends: tuple[Seen, Seen]) -> None:
    with pytest.raises(ValueError, match="leg a to b: expected"):
        leg(*ends)


def test_a_thousand_sightings_are_no_burden() -> None:
    dice = random.Random(3)
    given = [seen(f"s{i:04}", i * 5, dice.choice([0, 30, 8000]), above=dice.random() / 5) for i in range(1000)]
    found = trajectory(given)
    assert len(found.line) + len(found.left_out) == 1000
