"""What is written into a reel comes back, up to the record that a crash cut off; boxes stand at their pictures."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_service.footage.film import Film, Shown, boxes_of
from stream_service.footage.reel import Record, Reel, ReelEnd, ReelHead, ReelWriter, Sighted
from stream_service.footage.ring import PacketRing
from stream_service.ports import Packet
from tests.unit.stream_service.doubles import START, face, packet

HEAD = ReelHead(footage_id="f", camera_id="c", kind="clip", pass_id="p", codec="h264", extradata=b"\x00\xff")


def group_of(number: int) -> Packet:
    """A packet of a camera with a key frame every five pictures."""
    return packet(number, key=number % 5 == 0, data=bytes([number]) * (number + 1))


def write(path: Path, *records: Record) -> Path:
    writer = ReelWriter(path, HEAD)
    for record in records:
        writer.append(record)
    writer.close(durable=False)
    return path


def kept(path: Path) -> list[tuple[bytes, int, int, bool]]:
    return [(one.data, one.pts, one.dts, one.key) for one in Reel.open(path).packets()]


def test_packets_and_boxes_come_back(tmp_path: Path) -> None:
    packets = [group_of(number) for number in range(12)]
    sighted = Sighted(at=START, faces=(face(400),))
    path = write(tmp_path / "reel", packets[0], sighted, *packets[1:])
    reel = Reel.open(path)
    assert reel.head == HEAD
    assert kept(path) == [(one.data, one.pts, one.dts, one.key) for one in packets]
    assert [one.arrived_at for one in reel.packets()] == [one.arrived_at for one in packets]
    assert list(reel.sighted()) == [sighted]


def test_pictures_before_the_first_key_frame_and_after_the_end_do_not_belong(tmp_path: Path) -> None:
    packets = [group_of(number) for number in range(3, 20)]
    path = write(tmp_path / "reel", *packets, ReelEnd(cut_to=packets[9].arrived_at))
    assert [data[0] for data, *_ in kept(path)] == list(range(5, 13))


@given(cut=st.integers(min_value=1, max_value=400))
def test_a_reel_that_a_crash_cut_off_keeps_what_was_whole(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write(tmp_path_factory.mktemp("reel") / "reel", *(group_of(number) for number in range(12)))
    whole = kept(path)
    path.write_bytes(path.read_bytes()[:-cut])
    left = kept(path)
    assert left == whole[: len(left)]
    assert len(left) < len(whole)


@given(at=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_a_damaged_byte_ends_a_reel_and_breaks_nothing(
    at: int, flip: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.mktemp("reel") / "reel", *(group_of(number) for number in range(12)))
    whole, data = kept(path), bytearray(path.read_bytes())
    data[at % len(data)] ^= flip
    path.write_bytes(bytes(data))
    try:
        left = kept(path)
    except ValueError:
        left = []  # the head itself
    assert left == whole[: len(left)]


def test_an_empty_file_is_no_reel(tmp_path: Path) -> None:
    (tmp_path / "reel").touch()
    with pytest.raises(ValueError, match="expected a head"):
        Reel.open(tmp_path / "reel")


def test_the_ring_keeps_whole_groups_that_reach_back_far_enough() -> None:
    ring = PacketRing(seconds=1.0, megabytes=1)
    for number in range(2, 100):  # key frames every 0.2 s
        ring.add(group_of(number))
    packets = ring.since(START)
    assert packets[0].key
    assert 1.0 <= packets[-1].arrived_s - packets[0].arrived_s <= 1.2
    later = ring.since(START + timedelta(seconds=3.5))
    assert later[0].key
    assert 3.3 < later[0].arrived_s <= 3.5


def test_the_ring_gives_up_what_its_memory_cannot_hold() -> None:
    ring = PacketRing(seconds=1000, megabytes=1)
    for number in range(20):
        ring.add(packet(number, key=number % 5 == 0, data=b"x" * 100_000))
    assert sum(len(one.data) for one in ring.since(START)) <= 2**20
    ring.clear()
    assert ring.since(START) == []


def film(*at_s: float) -> Film:
    """Pictures that arrive a tenth of a second after they are shown, in the order of arrival."""
    pictures = [Shown(START + timedelta(seconds=0.1 * place), at) for place, at in enumerate(at_s)]
    return Film(640, 360, "video/mp4", max(at_s) + 0.04, pictures)


def test_boxes_stand_at_the_picture_they_were_found_in() -> None:
    # coded in another order than shown, as with B-frames
    sighted = [Sighted(at=START + timedelta(seconds=0.1), faces=(face(400),)), Sighted(at=START, faces=())]
    found = boxes_of(film(0.0, 0.12, 0.04, 0.08), sighted)
    assert found is not None
    assert [(one.t, len(one.faces)) for one in found.frames] == [(0.0, 0), (0.12, 1)]


def test_boxes_of_pictures_that_are_not_in_the_film_are_left_out() -> None:
    early, late = (Sighted(at=START + timedelta(seconds=s), faces=(face(400),)) for s in (-1.0, 9.0))
    assert boxes_of(film(0.0, 0.04), [early, late]) is None
