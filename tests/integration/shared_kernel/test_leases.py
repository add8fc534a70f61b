"""Leases against a real server: one holder at a time, shares by capacity, and no writing with an old token."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared_kernel.bus import Bus, Leases, Replica
from shared_kernel.clock import now
from shared_kernel.errors import Unavailable
from shared_kernel.messages import FrameCaptured, new_id
from shared_kernel.testing import wait_until
from shared_kernel.testing.valkey import RedisServer

CAMERAS = [f"camera-{number:02d}" for number in range(10)]
#: Long enough for a busy machine between two lines of a test.
SHORT_S = 0.4


@pytest.fixture
def bus(redis_url: str) -> Iterator[Bus]:
    opened = Bus(redis_url)
    yield opened
    opened.close()


def replica(bus: Bus, name: str, *, capacity: int = 64, identity: str = "", lease_s: float = 60.0) -> Leases:
    me = Replica(identity or f"spool-of-{name}", new_id(), name, f"{name}:8082", capacity)
    leases = bus.leases("camera", me)
    leases.lease_s = lease_s
    return leases


def settled(*replicas: Leases, wanted: list[str] = CAMERAS) -> list[set[str]]:
    """What each holds after as many rounds as it takes."""
    for _ in range(20):
        for one in replicas:
            one.release(one.round(wanted).surplus)
    return [set(one.round(wanted).held) for one in replicas]


def a_frame(camera_id: str) -> FrameCaptured:
    return FrameCaptured(
        frame_id=new_id(), camera_id=camera_id, owner="a", seq=1, captured_at=now(), width=4, height=3, jpeg=b"\xff\xd8"
    )


def test_one_replica_holds_everything_and_keeps_its_tokens(bus: Bus) -> None:
    first = replica(bus, "a")
    before = first.round(CAMERAS)
    assert set(before.held) == set(CAMERAS)
    assert first.round(CAMERAS).held == before.held
    assert (before.surplus, before.roomless, dict(before.others)) == ((), (), {})


@pytest.mark.parametrize(
    ("capacities", "shares"),
    [((64, 64), (5, 5)), ((10, 30), (3, 7)), ((3, 64), (1, 9)), ((0, 64), (0, 10)), ((5, 5), (5, 5))],
    ids=["equal", "one to three", "small and large", "one that takes none", "just enough"],
)
def test_shares_follow_capacity(bus: Bus, capacities: tuple[int, int], shares: tuple[int, int]) -> None:
    first, second = (replica(bus, name, capacity=room) for name, room in zip("ab", capacities, strict=True))
    held = settled(first, second)
    assert tuple(map(len, held)) == shares
    assert held[0] | held[1] == set(CAMERAS)
    assert not held[0] & held[1]


def test_shares_that_are_reached_do_not_move(bus: Bus) -> None:
    replicas = [replica(bus, name) for name in "abc"]
    held = settled(*replicas)
    assert settled(*replicas) == held


def test_who_joins_gets_a_share_a_few_at_a_time(bus: Bus) -> None:
    first, second = replica(bus, "a"), replica(bus, "b")
    many = [f"camera-{number}" for number in range(20)]
    first.round(many)
    second.round(many)
    assert len(first.round(many).surplus) == 4
    assert [len(one) for one in settled(first, second, wanted=many)] == [10, 10]


def test_others_are_known_by_address(bus: Bus) -> None:
    first, second = replica(bus, "a"), replica(bus, "b")
    held = settled(first, second)
    assert second.round(CAMERAS).others == dict.fromkeys(held[0], "a:8082")


def test_the_cameras_of_a_dead_replica_are_free_after_their_lease(bus: Bus) -> None:
    dead, alive = replica(bus, "a", lease_s=SHORT_S), replica(bus, "b")
    before = dead.round(CAMERAS).held
    assert alive.round(CAMERAS).held == {}
    wait_until(lambda: set(alive.round(CAMERAS).held) == set(CAMERAS), 10)
    after = alive.round(CAMERAS).held
    assert min(after.values()) > max(before.values())


def test_what_nobody_took_meanwhile_is_still_held_with_the_same_token(bus: Bus) -> None:
    alone, later = replica(bus, "a", lease_s=0.001), replica(bus, "a")
    before = alone.round(CAMERAS).held
    assert alone.round(CAMERAS).held == before
    assert later.round(CAMERAS).held.keys() == before.keys()


def test_a_restart_takes_its_cameras_back_at_once_with_greater_tokens(bus: Bus) -> None:
    before, after = replica(bus, "a"), replica(bus, "a")
    first, second = before.round(CAMERAS).held, after.round(CAMERAS).held
    assert first.keys() == second.keys()
    assert min(second.values()) > max(first.values())


def test_two_with_one_name_do_not_share(bus: Bus) -> None:
    first, second = replica(bus, "a"), replica(bus, "a", identity="another spool")
    assert len(first.round(CAMERAS).held) == 10
    found = second.round(CAMERAS)
    assert (found.namesake, dict(found.held)) == ("a:8082", {})
    assert len(first.round(CAMERAS).held) == 10


def test_what_nobody_has_room_for_is_named(bus: Bus) -> None:
    first, second = replica(bus, "a", capacity=4), replica(bus, "b", capacity=4)
    held = settled(first, second)
    assert [len(one) for one in held] == [4, 4]
    assert set(first.round(CAMERAS).roomless) == set(CAMERAS) - held[0] - held[1]


def test_cameras_that_are_gone_are_given_back(bus: Bus) -> None:
    first, second = replica(bus, "a"), replica(bus, "b")
    first.round(CAMERAS)
    assert set(first.round(CAMERAS[:3]).held) == set(CAMERAS[:3])
    assert set(second.round(CAMERAS).held) == set(CAMERAS[3:8])  # its share of all


def test_who_leaves_frees_everything_now(bus: Bus) -> None:
    first, second = replica(bus, "a"), replica(bus, "b")
    first.leave(list(first.round(CAMERAS).held))
    assert set(second.round(CAMERAS).held) == set(CAMERAS)


def test_only_the_holder_writes(bus: Bus) -> None:
    frozen, other = replica(bus, "a", lease_s=0.001), replica(bus, "b")
    old = frozen.round(["gate"]).held["gate"]
    assert bus.publish_held(a_frame("gate"), kind="camera", thing="gate", fence=old)
    wait_until(lambda: other.round(["gate"]).held, 10)
    new = other.round(["gate"]).held["gate"]
    assert not bus.publish_held(a_frame("gate"), kind="camera", thing="gate", fence=old)
    assert bus.publish_held(a_frame("gate"), kind="camera", thing="gate", fence=new)
    frozen.release(["gate"])  # it believes it still has it
    assert bus.publish_held(a_frame("gate"), kind="camera", thing="gate", fence=new)
    other.release(["gate"])
    assert not bus.publish_held(a_frame("gate"), kind="camera", thing="gate", fence=new)
    assert not bus.publish_held(a_frame("gate"), kind="camera", thing="gate", fence=0)
    assert bus.backlog(FrameCaptured) == 3


def test_the_attachment_travels_with_a_held_message(bus: Bus) -> None:
    fence = replica(bus, "a").round(["gate"]).held["gate"]
    subscription = bus.subscribe(FrameCaptured, "inference-service")
    assert subscription.receive(block_ms=1) == []
    bus.publish_held(a_frame("gate"), kind="camera", thing="gate", fence=fence)
    assert [one.message.jpeg for one in subscription.receive()] == [b"\xff\xd8"]


def test_tokens_rise_even_when_redis_forgot_everything(bus: Bus, redis_server: RedisServer) -> None:
    first = replica(bus, "a")
    before = first.round(CAMERAS).held
    redis_server.flush()
    assert min(first.round(CAMERAS).held.values()) > max(before.values())


def test_many_replicas_at_once_never_hold_one_camera_twice(bus: Bus) -> None:
    replicas = [replica(bus, f"r{number}", capacity=number + 1, lease_s=0.02) for number in range(5)]
    chance = random.Random(7)

    def live(one: Leases) -> list[tuple[str, int]]:
        seen: list[tuple[str, int]] = []
        for _ in range(30):
            found = one.round(CAMERAS)
            seen += found.held.items()
            if chance.random() < 0.3:
                one.leave(list(found.held))
        return seen

    with ThreadPoolExecutor(len(replicas)) as pool:
        seen = [set(found) for found in pool.map(live, replicas)]
    everything = [pair for found in seen for pair in found]
    assert len(everything) == len(set(everything))  # a token belongs to one camera and one replica


def test_a_redis_that_is_away_says_so(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        leases = replica(Bus(server.url), "a")
    with pytest.raises(Unavailable):
        leases.round(CAMERAS)
