"""Fan-out: new viewers start at a keyframe, slow ones are closed, a changed picture closes all; rights."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

import pytest

from shared_kernel.errors import Forbidden, Unavailable
from stream_service.h264 import START_CODE
from stream_service.live import (
    MAX_GROUP_BYTES,
    MAX_WAITING_FRAGMENTS,
    NOT_PLAYABLE,
    RESTART,
    SLOW,
    WITHDRAWN,
    Ending,
    LiveHub,
    Viewer,
)
from stream_service.ports import Packet, Seen
from stream_service.rights import UNKNOWN, RightsWatch
from tests.unit.stream_service.doubles import packet

HIGH, HIGH_10 = b"\x67\x64\x00\x28", b"\x67\x6e\x00\x28"
ANNA, BERT = Seen("anna", "cam"), Seen("bert", "cam")


class WordMuxer:
    """The header is the stream's parameters, a fragment the number of its picture."""

    def __init__(self, keyframe: bytes) -> None:
        self.header = b"header:" + keyframe[4:8].hex().encode()
        self.closed = False
        self._before: Packet | None = None

    def mux(self, coded: Packet) -> bytes:
        before, self._before = self._before, coded
        return b"" if before is None else f"{before.dts // 3600};".encode()

    def close(self) -> None:
        self.closed = True


def keyframe(number: int, sps: bytes = HIGH, size: int = 0) -> Packet:
    return packet(number, key=True, data=START_CODE + sps + START_CODE + b"\x65" + b"x" * size)


def hub_with(*packets: Packet) -> LiveHub:
    hub = LiveHub("cam", WordMuxer)
    hub.begin("h264")
    for one in packets:
        hub.feed(one)
    return hub


def playing(count: int = 6, *, group: int = 3) -> LiveHub:
    return hub_with(*(keyframe(n) if n % group == 0 else packet(n, key=False) for n in range(count)))


def joined(hub: LiveHub, seen: Seen = ANNA) -> Viewer:
    viewer = hub.join(seen, 0)
    assert isinstance(viewer, Viewer)
    return viewer


def test_a_viewer_starts_with_the_newest_keyframe() -> None:
    hub = playing(6)
    viewer = joined(hub)
    assert viewer.mime == 'video/mp4; codecs="avc1.640028"'
    assert viewer.header == b"header:67640028"
    assert viewer.take(0) == b"3;4;"
    hub.feed(packet(6, key=False))
    assert viewer.take(0) == b"5;"
    assert viewer.take(0) == b""


def test_before_the_first_whole_group_nobody_can_join() -> None:
    assert hub_with(packet(0, key=False)).join(ANNA, 0) == Ending(
        RESTART, "no_picture", "the camera gives no picture now"
    )
    assert isinstance(hub_with(keyframe(0)).join(ANNA, 0), Ending)


def test_a_slow_viewer_is_closed_and_others_are_not() -> None:
    hub = playing()
    slow, fast = joined(hub), joined(hub, BERT)
    for number in range(6, 6 + MAX_WAITING_FRAGMENTS + 10):
        hub.feed(packet(number, key=False))
        assert fast.take(0)
    assert slow.take(0) is None
    assert slow.ending is not None
    assert slow.ending.code == SLOW
    assert fast.ending is None


def test_a_new_resolution_closes_viewers_so_that_they_come_again() -> None:
    hub = playing()
    viewer = joined(hub)
    hub.feed(keyframe(6, sps=b"\x67\x64\x00\x1f"))
    assert viewer.take(0) is None
    assert viewer.ending == Ending(RESTART, "changed", "the camera changed its picture format")
    hub.feed(packet(7, key=False))
    assert joined(hub).mime.endswith('avc1.64001f"')


def test_the_end_of_a_connection_closes_viewers_with_its_reason() -> None:
    hub = playing()
    viewer = joined(hub)
    hub.end("frozen", "camera: has sent nothing for 5 s")
    assert viewer.ending == Ending(RESTART, "frozen", "camera: has sent nothing for 5 s")
    assert hub.viewers == 0
    assert isinstance(hub.join(ANNA, 0), Ending)


@pytest.mark.parametrize("codec", ["hevc", "mjpeg", "vp9"])
def test_other_codecs_are_refused_with_the_reason(codec: str) -> None:
    hub = LiveHub("cam", WordMuxer)
    hub.begin(codec)
    ending = hub.join(ANNA, 0)
    assert isinstance(ending, Ending)
    assert ending.code == NOT_PLAYABLE
    assert codec in ending.detail


def test_a_profile_that_browsers_lack_is_refused() -> None:
    ending = hub_with(keyframe(0, sps=HIGH_10)).join(ANNA, 0)
    assert isinstance(ending, Ending)
    assert ending.code == NOT_PLAYABLE


def test_an_endless_group_does_not_fill_the_memory() -> None:
    class BigMuxer(WordMuxer):
        def mux(self, coded: Packet) -> bytes:
            return super().mux(coded) and b"x" * (MAX_GROUP_BYTES // 4)

    hub = LiveHub("cam", BigMuxer)
    hub.begin("h264")
    hub.feed(keyframe(0))
    for number in range(1, 10):
        hub.feed(packet(number, key=False))
    assert isinstance(hub.join(ANNA, 0), Ending)
    hub.feed(keyframe(10))
    hub.feed(packet(11, key=False))
    assert joined(hub)


class GrantedRights:
    """What is in `granted` is allowed. Nobody answers while `away`."""

    def __init__(self, *granted: Seen) -> None:
        self.granted = set(granted)
        self.away = False
        self.asked: list[AbstractSet[Seen]] = []

    def allowed(self, pairs: AbstractSet[Seen]) -> AbstractSet[Seen]:
        self.asked.append(pairs)
        if self.away:
            raise Unavailable("miniprogram-api", "connection refused")
        return pairs & self.granted


def watch(rights: GrantedRights, viewers: Iterable[Viewer] = (), grace_s: float = 1e9) -> RightsWatch:
    return RightsWatch(rights, lambda: viewers, grace_s=grace_s)


def test_a_withdrawn_right_closes_its_view_only() -> None:
    hub, rights = playing(), GrantedRights(ANNA, BERT)
    anna, bert = joined(hub), joined(hub, BERT)
    watching = watch(rights, [anna, bert])
    watching.ask_now()
    assert (anna.ending, bert.ending) == (None, None)
    rights.granted.remove(ANNA)
    watching.ask_now()
    assert anna.ending is not None
    assert anna.ending.code == WITHDRAWN
    assert bert.ending is None
    assert rights.asked == [{ANNA, BERT}, {ANNA, BERT}]


def test_nobody_is_asked_about_nobody() -> None:
    rights = GrantedRights()
    watch(rights).ask_now()
    assert rights.asked == []


def test_when_nobody_can_say_views_stay_for_the_grace_and_then_close() -> None:
    hub, rights = playing(), GrantedRights(ANNA)
    viewer = joined(hub)
    rights.away = True
    patient, impatient = watch(rights, [viewer]), watch(rights, [viewer], grace_s=-1)
    patient.ask_now()
    assert not viewer.ending
    assert patient.check(ANNA) is None
    impatient.ask_now()
    assert viewer.ending == UNKNOWN
    with pytest.raises(Unavailable):
        impatient.require(ANNA)


def test_opening_and_snapshots_ask_too() -> None:
    rights = GrantedRights(ANNA)
    watching = watch(rights)
    assert watching.check(ANNA) is None
    ending = watching.check(BERT)
    assert ending is not None
    assert ending.code == WITHDRAWN
    watching.require(ANNA)
    watching.require(ANNA)
    assert rights.asked.count({ANNA}) == 2
    with pytest.raises(Forbidden):
        watching.require(BERT)
