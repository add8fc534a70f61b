"""What a loop takes from a real Redis while its hands are full of this and that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Event

import pytest

from inference_service.hands import Hands
from inference_service.work import GROUP, Feed
from shared_kernel.bus import Bus, Delivery
from shared_kernel.bus import subscription as bus_module
from shared_kernel.clock import now
from shared_kernel.messages import PhotoSubmitted
from shared_kernel.testing import wait_until


@pytest.fixture
def bus(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    """Gives at once what others left: these constants are all that differs from production."""
    monkeypatch.setattr(bus_module, "CLAIM_AFTER_MS", 0)
    monkeypatch.setattr(bus_module, "CLAIM_EVERY_S", 0.0)
    opened = Bus(redis_url)
    yield opened
    opened.close()


def submit(bus: Bus, *photo_ids: str) -> None:
    for photo_id in photo_ids:
        bus.publish(PhotoSubmitted(photo_id=photo_id, key=photo_id, deadline_at=now() + timedelta(minutes=1)))


def test_what_a_dead_worker_left_is_tried_one_at_a_time_beside_new_photos(bus: Bus) -> None:
    """Or the photos in hand with one that kills its worker would be counted down with it."""
    submit(bus, "deadly", "innocent")
    assert len(bus.subscribe(PhotoSubmitted, GROUP).receive()) == 2  # and dies

    subscription = bus.subscribe(PhotoSubmitted, GROUP)
    go_on = Event()
    tries: dict[str, int] = {}

    def handle(delivery: Delivery[PhotoSubmitted]) -> None:
        tries[delivery.message.photo_id] = delivery.deliveries
        go_on.wait(20)
        subscription.ack(delivery)

    hands = Hands("photos", 4, handle)
    feed = Feed(subscription, hands, lambda photo: photo.photo_id)
    feed.step()
    submit(bus, "new", "newer")
    feed.step()
    assert [one.message.photo_id for one in hands.holding()] == ["deadly", "new", "newer"]
    go_on.set()
    wait_until(lambda: not hands.holding())
    feed.step()
    assert hands.close(20)
    assert tries == {"deadly": 2, "innocent": 2, "new": 1, "newer": 1}
