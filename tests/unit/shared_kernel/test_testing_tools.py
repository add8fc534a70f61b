"""The small tools of tests: waiting with a deadline, and how the RTSP camera cuts pictures and times its faults."""

from __future__ import annotations

import time

import pytest

from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp.clip import MAX_PAYLOAD_BYTES, AccessUnit, Clip
from shared_kernel.testing.rtsp.faults import Fault, Mount


def test_waiting_returns_what_the_condition_answers() -> None:
    answers = iter([None, 0, "here"])
    assert wait_until(lambda: next(answers), 5) == "here"


def test_waiting_passes_over_refused_connections() -> None:
    tries = []

    def connect() -> bool:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionRefusedError("nobody there")
        return True

    assert wait_until(connect, 5)


def test_waiting_ends_and_says_for_what_and_why() -> None:
    def never() -> bool:
        raise ConnectionRefusedError("nobody there")

    with pytest.raises(TimeoutError, match=r"the gate opens: not within 0\.05 s; last: ConnectionRefusedError: nobody"):
        wait_until(never, 0.05, "the gate opens")


def test_a_mistake_in_the_condition_is_not_waited_out() -> None:
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: 1 / 0, 60)


@pytest.mark.parametrize(
    ("codec", "nal", "kind"),
    [("h264", bytes([0x65]) + bytes(3000), 28), ("hevc", bytes([0x26, 0x01]) + bytes(3000), 49)],
)
def test_a_large_picture_is_cut_into_fragments(codec: str, nal: bytes, kind: int) -> None:
    unit = AccessUnit(0.0, 0.0, (nal,))
    clip = Clip.__new__(Clip)
    object.__setattr__(clip, "codec", codec)
    payloads = list(clip.payloads(unit))
    assert all(len(payload) <= MAX_PAYLOAD_BYTES for payload, _ in payloads)
    assert [marker for _, marker in payloads] == [False, False, True]
    head = 1 if codec == "h264" else 2
    assert all((payload[0] & 31 if codec == "h264" else payload[0] >> 1 & 63) == kind for payload, _ in payloads)
    assert payloads[0][0][head] & 0x80
    assert payloads[-1][0][head] & 0x40
    assert b"".join(payload[head + 1 :] for payload, _ in payloads) == nal[head:]


def test_a_fault_waits_for_its_time() -> None:
    mount = Mount("gate", (), loop=True, credentials=None, fault=Fault.CLOSE, fault_at_s=time.monotonic(), after_s=60)
    assert not mount.suffers(Fault.CLOSE, time.monotonic() - 1000)
    assert not mount.suffers(Fault.HANG)
    mount.after_s = 0
    assert mount.suffers(Fault.CLOSE)
