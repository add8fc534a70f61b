"""Fan-out: nothing runs unwatched, viewers start at a key frame, slow ones are closed, masks hide; rights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar

import pytest

from shared_kernel.errors import Forbidden, Unavailable
from shared_kernel.messages import CameraReason
from shared_kernel.testing import wait_until
from stream_service.h264 import START_CODE
from stream_service.live import (
    BUSY,
    NOT_PLAYABLE,
    RESTART,
    SLOW,
    WITHDRAWN,
    Conversion,
    Ending,
    HlsSession,
    LiveHub,
    Slots,
    Viewer,
    Watcher,
)
from stream_service.live.channel import MAX_GROUP_BYTES
from stream_service.live.endings import NO_PICTURE
from stream_service.live.hls import Pieces
from stream_service.live.viewer import MAX_WAITING_FRAGMENTS
from stream_service.ports import Fragment, Packet, Seen, Sight, StreamInfo
from stream_service.rights import COVERED, UNKNOWN, RightsWatch
from stream_service.rules import CameraFailed
from stream_service.zones import Polygon
from tests.unit.stream_service.doubles import analysed, face, packet

HIGH, HIGH_10 = b"\x67\x64\x00\x28", b"\x67\x6e\x00\x28"
ANNA, BERT = Seen("anna", "cam"), Seen("bert", "cam")


MASK: tuple[Polygon, ...] = (((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)),)


class WordMuxer:
    """The header is the format and the stream's parameters, a fragment the number of its picture, one late."""

    made: ClassVar[list[str]] = []

    def __init__(self, kind: str, keyframe: bytes) -> None:
        self.header = f"{kind}:".encode() + keyframe[4:8].hex().encode()
        self.closed = False
        self._before: Packet | None = None
        WordMuxer.made.append(kind)

    def mux(self, coded: Packet) -> Fragment | None:
        before, self._before = self._before, coded
        if coded.data == b"damaged":
            raise CameraFailed(CameraReason.INVALID_DATA, "packet: damaged")
        if before is None:
            return None
        return Fragment(f"{before.dts // 3600};".encode(), before.key, before.dts, before.arrived_at)

    def close(self) -> None:
        self.closed = True


class Echo:
    """A transcoder that gives what it gets, as H.264, and counts."""

    def __init__(self, _: StreamInfo, masks: Sequence[Polygon]) -> None:
        self.masks = tuple(masks)

    def feed(self, coded: Packet, *, show: bool = True) -> list[Packet]:
        return [keyframe(coded.dts // 3600)] if show else []

    def flush(self) -> list[Packet]:
        return []


def info(codec: str = "h264") -> StreamInfo:
    return StreamInfo(codec, 640, 360, 25.0, b"")


def keyframe(number: int, sps: bytes = HIGH, size: int = 0) -> Packet:
    return packet(number, key=True, data=START_CODE + sps + START_CODE + b"\x65" + b"x" * size)


def hub_with(*packets: Packet, codec: str = "h264", masks: tuple[Polygon, ...] = (), slots: int = 1) -> LiveHub:
    hub = LiveHub("cam", WordMuxer, masks=masks, conversion=Conversion(Echo, Slots(slots)))
    hub.begin(info(codec))
    for one in packets:
        hub.feed(one)
    return hub


def playing(count: int = 6, *, group: int = 3, codec: str = "h264", masks: tuple[Polygon, ...] = ()) -> LiveHub:
    packets = (keyframe(n) if n % group == 0 else packet(n, key=False) for n in range(count))
    return hub_with(*packets, codec=codec, masks=masks)


def joined(hub: LiveHub, seen: Seen = ANNA, *, unmasked: bool = False, timeout_s: float = 0) -> Viewer:
    viewer = hub.join(seen, timeout_s, unmasked=unmasked)
    assert isinstance(viewer, Viewer)
    return viewer


def test_a_viewer_starts_with_the_newest_keyframe() -> None:
    hub = playing(6)
    viewer = joined(hub)
    assert viewer.mime == 'video/mp4; codecs="avc1.640028"'
    assert viewer.header == b"mp4:67640028"
    assert viewer.take(0) == b"3;4;"
    hub.feed(packet(6, key=False))
    assert viewer.take(0) == b"5;"
    assert viewer.take(0) == b""


def test_before_the_first_key_frame_nobody_can_join() -> None:
    assert hub_with(packet(0, key=False)).join(ANNA, 0) == NO_PICTURE
    assert isinstance(hub_with(keyframe(0)).join(ANNA, 0), Viewer)


def test_nothing_is_muxed_unless_watched_and_each_format_once() -> None:
    WordMuxer.made.clear()
    hub = playing(9)
    assert WordMuxer.made == []
    first, second = joined(hub), joined(hub, BERT)
    flv = hub.join(ANNA, 0, kind="flv")
    assert isinstance(flv, Viewer)
    assert WordMuxer.made == ["mp4", "flv"]
    for viewer in (first, second, flv):
        hub.leave(viewer)
    hub.feed(packet(9, key=False))
    joined(hub)
    assert WordMuxer.made == ["mp4", "flv", "mp4"]


def test_a_packet_that_cannot_be_muxed_closes_its_views_only() -> None:
    hub = playing()
    viewer = joined(hub)
    hub.feed(packet(6, key=False, data=b"damaged"))
    assert viewer.ending is not None
    assert viewer.ending.reason == "damaged"
    hub.feed(keyframe(7))
    assert joined(hub).take(0) == b""


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
def test_other_codecs_are_converted_or_refused_with_the_reason(codec: str) -> None:
    converted = joined(playing(codec=codec), timeout_s=5)
    assert (converted.converted, converted.masked) == (True, False)
    plain = LiveHub("cam", WordMuxer)
    plain.begin(info(codec))
    plain.feed(keyframe(0))
    ending = plain.join(ANNA, 0)
    assert isinstance(ending, Ending)
    assert ending.code == NOT_PLAYABLE
    assert codec in ending.detail


def test_a_profile_that_browsers_lack_is_converted() -> None:
    assert joined(hub_with(keyframe(0, sps=HIGH_10)), timeout_s=5).converted


def test_privacy_masks_hide_from_all_but_those_who_may_see_behind_them() -> None:
    hub = playing(masks=MASK)
    anna, bert = joined(hub, ANNA, unmasked=True), joined(hub, BERT, timeout_s=5)
    assert (anna.unmasked, anna.masked, anna.converted) == (True, False, False)
    assert (bert.unmasked, bert.masked, bert.converted) == (False, True, True)
    assert {(one.seen, one.unmasked) for one in hub.watchers()} == {(ANNA, True), (BERT, False)}


def test_who_may_see_everything_is_not_unmasked_where_nothing_is_masked() -> None:
    assert joined(playing(), unmasked=True).unmasked is False


def test_no_more_is_converted_than_there_are_slots_and_a_slot_comes_back() -> None:
    slots = Slots(1)
    hubs = [LiveHub("cam", WordMuxer, conversion=Conversion(Echo, slots)) for _ in range(2)]
    for hub in hubs:
        hub.begin(info("hevc"))
        hub.feed(keyframe(0))
    joined(hubs[0], timeout_s=5)
    second = joined(hubs[0], BERT, timeout_s=5)
    assert slots.used == 1
    ending = hubs[1].join(BERT, 0)
    assert isinstance(ending, Ending)
    assert ending.code == BUSY
    hubs[0].end("frozen", "camera: has sent nothing")
    assert second.ending == Ending(RESTART, "frozen", "camera: has sent nothing")
    wait_until(lambda: slots.used == 0)
    joined(hubs[1], timeout_s=5)
    hubs[1].end("", "")


def test_a_transcoder_that_cannot_begin_gives_its_slot_back() -> None:
    def fail(_: StreamInfo, __: Sequence[Polygon]) -> Echo:
        raise CameraFailed(CameraReason.UNSUPPORTED_CODEC, "camera: uses a codec that is not known here")

    slots = Slots(1)
    hub = LiveHub("cam", WordMuxer, conversion=Conversion(fail, slots))
    hub.begin(info("magic"))
    hub.feed(keyframe(0))
    ending = hub.join(ANNA, 0)
    assert isinstance(ending, Ending)
    assert (ending.code, slots.used) == (NOT_PLAYABLE, 0)


def test_boxes_belong_to_the_moment_of_their_picture() -> None:
    hub = playing()
    viewer = joined(hub)
    hub.show_faces(analysed(1, 0.12, face(600)))
    [note] = viewer.notes()
    said = json.loads(note)
    assert (said["type"], said["at"]) == ("faces", 0.12)
    assert said["faces"][0]["state"] == "without_mask"
    hub.show_faces(analysed(2, 60.0, face(600)))
    assert viewer.notes() == []


def test_boxes_are_kept_for_players_that_ask() -> None:
    hub = playing()
    hub.show_faces(analysed(1, 0.08, face(600)))
    assert hub.notes_after(-1.0) == [], "nobody asks"
    assert isinstance(hub.open_session(ANNA, 0), HlsSession)
    hub.show_faces(analysed(2, 0.12, face(600)))
    assert [json.loads(note)["at"] for note in hub.notes_after(-1.0)] == [0.12]
    assert hub.notes_after(0.12) == []
    hub.end("closed", "gone")
    assert hub.notes_after(-1.0) == []


def test_hls_lists_whole_groups_and_its_session_ends_like_a_view() -> None:
    hub = playing(3, group=3)
    session = hub.open_session(ANNA, 0)
    assert isinstance(session, HlsSession)
    assert hub.pieces_of(session.name, 0) == NO_PICTURE
    for number in range(3, 90):
        hub.feed(keyframe(number) if number % 30 == 0 else packet(number, key=False))
    pieces = hub.pieces_of(session.name, 0)
    assert isinstance(pieces, Pieces)
    listed = [line for line in pieces.playlist().splitlines() if line.endswith(".m4s")]
    assert listed == ["0.m4s", "1.m4s"]
    assert pieces.piece(0) == b"".join(f"{number};".encode() for number in range(30))
    assert pieces.piece(7) is None
    assert hub.pieces_of("guessed", 0) is None
    [watcher] = hub.watchers()
    watcher.close(Ending(WITHDRAWN, "withdrawn", "you may not"))
    assert hub.pieces_of(session.name, 0) == Ending(WITHDRAWN, "withdrawn", "you may not")
    assert hub.viewers == 0


def test_an_endless_group_does_not_fill_the_memory() -> None:
    hub = LiveHub("cam", WordMuxer)
    hub.begin(info())
    hub.feed(keyframe(0))
    viewer = joined(hub, BERT)
    for number in range(1, 10):
        hub.feed(packet(number, key=False, data=b"x" * (MAX_GROUP_BYTES // 4)))
    assert isinstance(hub.join(ANNA, 0), Ending)
    assert viewer.ending is None
    hub.feed(keyframe(10))
    hub.feed(packet(11, key=False))
    assert joined(hub)


class GrantedRights:
    """What is in `granted` is allowed, what is in `bare` without masks. Nobody answers while `away`."""

    def __init__(self, *granted: Seen) -> None:
        self.granted = set(granted)
        self.bare = set[Seen]()
        self.away = False
        self.asked: list[AbstractSet[Seen]] = []

    def allowed(self, pairs: AbstractSet[Seen]) -> Mapping[Seen, Sight]:
        self.asked.append(pairs)
        if self.away:
            raise Unavailable("miniprogram-api", "connection refused")
        return {one: "unmasked" if one in self.bare else "masked" for one in pairs & self.granted}


def watch(rights: GrantedRights, viewers: Iterable[Watcher] = (), grace_s: float = 1e9) -> RightsWatch:
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
    assert patient.check(ANNA) == "masked"
    impatient.ask_now()
    assert viewer.ending == UNKNOWN
    with pytest.raises(Unavailable):
        impatient.require(ANNA)


def test_opening_and_snapshots_ask_too() -> None:
    rights = GrantedRights(ANNA)
    watching = watch(rights)
    assert watching.check(ANNA) == "masked"
    ending = watching.check(BERT)
    assert isinstance(ending, Ending)
    assert ending.code == WITHDRAWN
    watching.require(ANNA)
    watching.require(ANNA)
    assert rights.asked.count({ANNA}) == 2
    with pytest.raises(Forbidden):
        watching.require(BERT)


def test_who_may_no_longer_see_behind_masks_comes_again_and_sees_them() -> None:
    hub, rights = playing(masks=MASK), GrantedRights(ANNA)
    rights.bare = {ANNA}
    watching = watch(rights)
    assert watching.check(ANNA) == "unmasked"
    viewer = joined(hub, ANNA, unmasked=True)
    watching = watch(rights, [viewer])
    watching.ask_now()
    assert viewer.ending is None
    rights.bare = set()
    watching.ask_now()
    assert viewer.ending == COVERED
