"""The doctor over cameras of every kind of illness: which stage is named, in which words, and what is only remarked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from shared_kernel.messages import CameraReason
from stream_service.doctor import Finding, Report, advice, examine
from stream_service.h264 import START_CODE
from stream_service.opening import Opening, Stage
from stream_service.ports import CLOCK_HZ, FullFrame, Packet, StreamInfo
from stream_service.rules import CameraFailed
from tests.unit.stream_service.doubles import SyntheticFrame

NETWORK = (Stage.RESOLVE, Stage.CONNECT, Stage.LOGIN, Stage.DESCRIBE)
HIGH, TEN_BIT = bytes([0x67, 100, 0, 31]), bytes([0x67, 110, 0, 31])
INFO = StreamInfo("h264", 1280, 720, 25.0, b"")


@dataclass
class Patient:
    """A camera. `stages` go well, then `fails`; packets come every `step_s`, each `gop`-th a key frame."""

    stages: tuple[Stage, ...] = NETWORK
    fails: CameraFailed | None = None
    info: StreamInfo = INFO
    step_s: float = 0.04
    gop: int = 25
    pictures: int = 190  # fewer than `Pull` keeps waiting
    sps: bytes = HIGH
    sizes: tuple[tuple[int, int], ...] = ((1280, 720),)
    decodes: bool = True
    opening: Opening = field(default_factory=Opening)
    ends: CameraFailed | None = None

    def feed(self, opening: Opening) -> Patient:
        made = replace(self, opening=opening)
        for name in ("has_login", "login", "audio", "server_time", "server_time_s", "times", "kind"):
            setattr(opening, name, getattr(self.opening, name))
        return made

    def open(self) -> StreamInfo:
        for stage in self.stages:
            self.opening.done(stage)
        if self.fails is not None:
            raise self.fails
        return self.info

    def packets(self) -> Iterator[Packet]:
        began_s = time.monotonic()
        for number in range(self.pictures):
            ticks = round(number * self.step_s * CLOCK_HZ)
            key = number % self.gop == 0
            data = START_CODE + self.sps + START_CODE + b"\x65" + b"x" * 990 if key else b"x" * 1000
            yield Packet(data, ticks, ticks, key, datetime.now(UTC), began_s + number * self.step_s)
        raise self.ends or CameraFailed(CameraReason.CLOSED, "camera: ended the stream")

    def close(self) -> None:
        pass

    def decoder(self, _: StreamInfo) -> Patient:
        self._pictures = 0
        return self

    def decode(self, packet: Packet) -> list[FullFrame]:
        if not self.decodes:
            return []
        width, height = self.sizes[min(self._pictures, len(self.sizes) - 1)]
        self._pictures += 1
        return [SyntheticFrame(width=width, height=height, arrived_s=packet.arrived_s)]

    def decode_alone(self, packet: Packet) -> list[FullFrame]:
        return self.decode(packet)

    def decode_all(self) -> None:
        pass


def examined(patient: Patient) -> tuple[list[Finding], Report]:
    found = list(examine(patient.feed, patient.decoder))
    report = found[-1]
    assert isinstance(report, Report)
    return [one for one in found[:-1] if isinstance(one, Finding)], report


def finding(report: Report, stage: Stage) -> Finding:
    return next(one for one in report.findings if one.stage is stage)


def test_a_camera_that_is_well_passes_every_stage_with_a_picture() -> None:
    findings, report = examined(Patient())
    assert report.ok
    assert [one.stage for one in report.findings] == list(Stage)
    assert {one.status for one in report.findings} == {"ok"}
    assert (report.codec, report.width, report.height, report.fps, report.playable) == ("h264", 1280, 720, 25.0, True)
    assert report.key_interval_s == 1.0
    assert report.kbit_s == pytest.approx(200, rel=0.1)
    assert (report.snapshot or b"").startswith(b"\xff\xd8")
    assert findings[0].status == "running"
    assert [one for one in findings if one.status != "running"] == list(report.findings)


@pytest.mark.parametrize(
    ("passed", "reason", "blamed"),
    [
        (0, CameraReason.NOT_FOUND, Stage.RESOLVE),
        (0, CameraReason.BLOCKED_ADDRESS, Stage.RESOLVE),
        (0, CameraReason.FILE_MISSING, Stage.RESOLVE),
        (0, CameraReason.FILE_OUTSIDE, Stage.RESOLVE),
        (1, CameraReason.REFUSED, Stage.CONNECT),
        (1, CameraReason.TIMEOUT, Stage.CONNECT),
        (1, CameraReason.INVALID_DATA, Stage.DESCRIBE),  # a file that is no video
        (2, CameraReason.UNAUTHORISED, Stage.LOGIN),
        (2, CameraReason.NOT_FOUND, Stage.DESCRIBE),
        (2, CameraReason.TIMEOUT, Stage.DESCRIBE),
        (2, CameraReason.INVALID_DATA, Stage.DESCRIBE),
        (2, CameraReason.BLOCKED_ADDRESS, Stage.DESCRIBE),
        (3, CameraReason.NO_VIDEO, Stage.DESCRIBE),
        (3, CameraReason.UNAUTHORISED, Stage.DESCRIBE),
        (4, CameraReason.UNSUPPORTED_CODEC, Stage.KEY_FRAME),
    ],
)
def test_the_first_stage_that_fails_is_named_with_what_to_do(passed: int, reason: CameraReason, blamed: Stage) -> None:
    patient = Patient(stages=NETWORK[:passed], fails=CameraFailed(reason, "camera: technical words"))
    _, report = examined(patient)
    assert (report.ok, report.reason, report.detail) == (False, reason, "camera: technical words")
    [failed] = [one for one in report.findings if one.status == "failed"]
    assert failed.stage is blamed
    assert failed.remark is not None
    assert [one.stage for one in report.findings] == list(Stage)
    after = report.findings[list(Stage).index(blamed) + 1 :]
    assert {one.status for one in after} <= {"skipped"}
    for words in (failed.remark.problem, failed.remark.advice, failed.name):
        assert words.en.isascii()
        assert any("\u4e00" <= char <= "\u9fff" for char in words.zh)


def test_every_reason_has_words_at_every_stage() -> None:
    for stage in Stage:
        for reason in CameraReason:
            assert advice.failure(stage, reason).advice.zh


def test_a_missing_login_is_told_from_a_wrong_one() -> None:
    wrong = CameraFailed(CameraReason.UNAUTHORISED, "x")
    stages = NETWORK[:2]
    _, none = examined(Patient(stages=stages, fails=wrong))
    _, given = examined(Patient(stages=stages, fails=wrong, opening=Opening(has_login=True)))
    assert finding(none, Stage.LOGIN).remark == advice.NO_LOGIN
    assert finding(given, Stage.LOGIN).remark == advice.failure(Stage.LOGIN, CameraReason.UNAUTHORISED)


def test_data_that_becomes_no_picture_is_named() -> None:
    _, report = examined(Patient(decodes=False, ends=CameraFailed(CameraReason.INVALID_DATA, "x")))
    assert finding(report, Stage.KEY_FRAME).status == "failed"
    assert report.snapshot is None


def test_a_file_has_no_connection_and_no_login() -> None:
    _, report = examined(Patient(stages=(Stage.RESOLVE, Stage.DESCRIBE)))
    assert report.ok
    assert [finding(report, stage).status for stage in (Stage.CONNECT, Stage.LOGIN)] == ["skipped", "skipped"]


def test_a_stage_that_is_told_of_twice_counts_once() -> None:
    again = (*NETWORK[:2], Stage.CONNECT, Stage.CONNECT, Stage.LOGIN, Stage.CONNECT, Stage.DESCRIBE)
    _, report = examined(Patient(stages=again))
    assert [one.stage for one in report.findings] == list(Stage)


@pytest.mark.parametrize(
    ("patient", "stage", "remark"),
    [
        (Patient(info=replace(INFO, codec="hevc")), Stage.CODEC, advice.H265),
        (Patient(info=replace(INFO, codec="mjpeg")), Stage.CODEC, advice.OTHER_CODEC),
        (Patient(sps=TEN_BIT), Stage.CODEC, advice.ODD_PROFILE),
        (Patient(sizes=((3840, 2160),)), Stage.SIZE, advice.LARGE),
        (Patient(sizes=((320, 240),)), Stage.SIZE, advice.SMALL),
        (Patient(sizes=((1280, 720), (640, 360))), Stage.RATE, advice.CHANGING),
        (Patient(step_s=0.1), Stage.RATE, advice.FEWER),
        (Patient(step_s=0.5, gop=4, info=replace(INFO, fps=2.0)), Stage.RATE, advice.SLOW),
        (Patient(gop=10_000), Stage.KEY_INTERVAL, advice.RARE_KEYS),
        (Patient(gop=110), Stage.KEY_INTERVAL, advice.RARE_KEYS),
    ],
)
def test_what_could_be_better_is_remarked(patient: Patient, stage: Stage, remark: object) -> None:
    _, report = examined(patient)
    assert report.ok
    assert finding(report, stage).status == "warning"
    assert finding(report, stage).remark == remark


@pytest.mark.parametrize(
    ("ahead", "remark", "words"),
    [
        (timedelta(hours=8), advice.WRONG_CLOCK, "8.0 h ahead"),
        (-timedelta(days=300), advice.WRONG_CLOCK, "300.0 days behind"),
        (timedelta(seconds=20), None, "in order"),
    ],
)
def test_a_wrong_clock_is_remarked(ahead: timedelta, remark: object, words: str) -> None:
    opening = Opening(server_time=datetime.now(UTC) + ahead, server_time_s=time.monotonic())
    _, report = examined(Patient(opening=opening))
    assert finding(report, Stage.CLOCK).remark == remark
    assert words in (finding(report, Stage.CLOCK).found or advice.NAMES[Stage.CLOCK]).en


def test_times_that_jump_are_remarked() -> None:
    opening = Opening()
    opening.times.backward = 3
    _, report = examined(Patient(opening=opening))
    assert finding(report, Stage.CLOCK).remark == advice.JUMPING_CLOCK


def test_a_stream_that_ends_while_it_is_measured_is_judged_as_far_as_it_went() -> None:
    _, report = examined(Patient(pictures=30))
    assert report.ok
    assert report.snapshot
