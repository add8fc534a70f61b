"""What the bus was told of passes, and what must be true of somebody who stands before a camera all the time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from shared_kernel.bus import Bus
from shared_kernel.messages import PassObserved


def passes_of(redis_url: str, group: str = "miniprogram-api") -> dict[str, list[PassObserved]]:
    """What was said of each pass, and not yet to this group."""
    found: dict[str, list[PassObserved]] = {}
    subscription = Bus(redis_url).subscribe(PassObserved, group)
    while deliveries := subscription.receive(block_ms=100):
        for delivery in deliveries:
            found.setdefault(delivery.message.pass_id, []).append(delivery.message)
        subscription.ack(*deliveries)
    return found


def assert_one_pass_at_a_time(found: dict[str, list[PassObserved]], cameras: Iterable[str]) -> None:
    """Each camera saw the person; each pass is opened and closed once, none lies beside another."""
    assert {message.camera_id for said in found.values() for message in said} == set(cameras)
    assert all(sorted(message.phase for message in said) == ["closed", "opened"] for said in found.values())
    last = [max(said, key=lambda message: message.last_seen_at) for said in found.values()]
    for name in cameras:
        times = sorted((one.opened_at, one.last_seen_at) for one in last if one.camera_id == name)
        assert all(earlier[1] < later[0] for earlier, later in pairwise(times)), times
