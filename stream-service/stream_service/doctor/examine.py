"""Examines one camera address as capturing would use it: stage by stage, each with its time, up to a picture.

Used before a camera is saved, and on demand for one that is; `web.doctor` and the command line show what it finds.
The stages up to the description are told by the adapters through `opening`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from shared_kernel.messages import CameraReason
from stream_service.capture import INTRA_CODECS
from stream_service.doctor import advice, judge
from stream_service.doctor.advice import Remark, Words
from stream_service.doctor.findings import Finding, Report
from stream_service.doctor.judge import Seen, same
from stream_service.opening import Opening, Stage
from stream_service.ports import CLOCK_HZ, Decoder, Feed, FullFrame, Packet, StreamInfo
from stream_service.pull import Pull
from stream_service.rules import CameraFailed

#: From the first question to a picture; what follows is measuring, seconds.
PICTURE_WITHIN_S: Final = 14.0
SNAPSHOT_SIDE: Final = 640


def examine(
    feed: Callable[[Opening], Feed], make_decoder: Callable[[StreamInfo], Decoder]
) -> Iterator[Finding | Report]:
    """Open, watch, judge.

    Args:
        feed: Makes the connection that is examined.
        make_decoder: Makes its decoder; burns privacy masks in where the camera has some.

    Yields:
        A finding whenever a stage begins (`running`) or ends, in the order of `Stage`; at the end the report.
    """
    examination = _Examination(feed)
    try:
        yield from examination.until_picture(make_decoder)
        yield from examination.judged()
    except CameraFailed as error:
        yield examination.failed(error)
        yield examination.report(error)
        return
    yield examination.report(None)


class _Examination:
    """One run of `examine`. The opening is told of by the reading thread, all else is this one."""

    def __init__(self, feed: Callable[[Opening], Feed]) -> None:
        self._ended: deque[tuple[Stage, float]] = deque()
        self._opening = Opening(done=lambda stage: self._ended.append((stage, time.monotonic())))
        self._pull = Pull(feed(self._opening), "doctor", on_open=lambda _: None, on_packet=lambda _: None)
        self._began_s = self._stage_s = time.monotonic()
        self._findings: list[Finding] = []
        self._seen = Seen()

    def until_picture(self, make_decoder: Callable[[StreamInfo], Decoder]) -> Iterator[Finding]:
        """Watch the stream; findings up to the first picture.

        Raises:
            CameraFailed: there is none.
        """
        seen, decoder = self._seen, None
        yield self._running(Stage.RESOLVE)
        packets = self._pull.watched(self._overdue)
        try:
            for packet in packets:
                yield from self._opened()
                if packet is None or self._pull.info is None:
                    continue
                seen.info = self._pull.info
                decoder = decoder or make_decoder(seen.info)
                had_picture = seen.first is not None
                self._take(packet, decoder)
                if seen.first is None:
                    continue
                if not had_picture:
                    yield from self._pictured(seen.first, seen.info)
                if seen.enough(intra=seen.info.codec in INTRA_CODECS):
                    break
        except CameraFailed:
            yield from self._opened()
            if seen.first is None:
                raise
        finally:
            packets.close()
        if seen.first is None:
            raise self._no_picture()

    def _take(self, packet: Packet, decoder: Decoder) -> None:
        """Count the packet; decode until there is a picture, then key frames only."""
        seen = self._seen
        seen.packets += 1
        if seen.key is None and packet.key:
            seen.key = packet
        if seen.first is None:
            seen.picture(decoder.decode(packet))
        elif packet.key:
            seen.picture(decoder.decode_alone(packet))
        if seen.first is not None:
            seen.arrivals.append(packet.arrived_s)
            seen.times.append(packet.dts / CLOCK_HZ)
            seen.data += len(packet.data)
            if packet.key:
                seen.keys.append(packet.dts / CLOCK_HZ)

    def _pictured(self, first: FullFrame, info: StreamInfo) -> Iterator[Finding]:
        """Findings of the first picture; what comes after them needs watching."""
        yield self._end(Stage.KEY_FRAME, Words("已得到画面", "there is a picture"))
        yield self._end(Stage.CODEC, *judge.codec(info.codec, self._seen.key))
        yield self._end(Stage.SIZE, *judge.size(first))
        yield self._running(Stage.RATE)

    def _overdue(self) -> bool:
        return self._seen.first is None and time.monotonic() - self._began_s > PICTURE_WITHIN_S

    def _no_picture(self) -> CameraFailed:
        if self._seen.packets > 0:
            return CameraFailed(CameraReason.INVALID_DATA, "camera: sends data that does not become pictures")
        return CameraFailed(CameraReason.TIMEOUT, f"camera: gave no picture within {PICTURE_WITHIN_S:g} s")

    def _opened(self) -> Iterator[Finding]:
        """Findings of the stages that the reading thread has told of; one that comes again was over before."""
        stages = list(Stage)
        while self._ended:
            stage, at_s = self._ended.popleft()
            if stages.index(stage) < len(self._findings):
                continue
            for skipped in stages[len(self._findings) : stages.index(stage)]:
                yield self._add(Finding(skipped, "skipped"))
            over_udp = stage is Stage.DESCRIBE and self._opening.transport == "udp"
            remark = advice.OVER_UDP if over_udp else None
            yield self._end(stage, self._learnt(stage), remark, at_s=at_s)
            yield self._running(stages[len(self._findings)])

    def _learnt(self, stage: Stage) -> Words:
        opening = self._opening
        if stage is Stage.RESOLVE:
            return same(", ".join(opening.addresses)) if opening.addresses else Words("已找到", "found")
        if stage is Stage.CONNECT:
            return same(opening.address)
        if stage is Stage.LOGIN:
            how = {"basic": "Basic", "digest": "Digest"}.get(opening.login)
            return Words("不需要登录", "none needed") if how is None else Words(f"已登录（{how}）", f"accepted ({how})")
        transport = (opening.transport or "").upper()
        word = " · ".join(part for part in (opening.kind, transport, opening.server) if part)
        if opening.redirects:
            return Words(f"{word}，转向 {opening.redirects} 次", f"{word}, {opening.redirects} redirects")
        return same(word)

    def judged(self) -> Iterator[Finding]:
        """What watching the stream has shown."""
        seen = self._seen
        yield self._end(Stage.RATE, *judge.rate(seen))
        yield self._end(Stage.KEY_INTERVAL, *judge.key_interval(seen))
        audio = self._opening.audio or "none"
        sound = Words("没有声音", "none") if audio == "none" else Words(f"{audio}（不使用）", f"{audio}, not used")
        yield self._end(Stage.AUDIO, sound)
        yield self._end(Stage.CLOCK, *judge.clock(self._opening))

    def failed(self, error: CameraFailed) -> Finding:
        """The stage that failed; those before it that nobody told of are skipped."""
        stages = list(Stage)
        at = min(len(self._findings), len(stages) - 1)
        stage = _blamed(stages[at], error.reason)
        for skipped in stages[at : stages.index(stage)]:
            self._add(Finding(skipped, "skipped"))
        nameless = stage is Stage.LOGIN and not self._opening.has_login
        remark = advice.NO_LOGIN if nameless else advice.failure(stage, error.reason)
        return self._add(Finding(stage, "failed", time.monotonic() - self._stage_s, None, remark))

    def report(self, error: CameraFailed | None) -> Report:
        seen, took_s = self._seen, time.monotonic() - self._began_s
        findings = (*self._findings, *(Finding(stage, "skipped") for stage in list(Stage)[len(self._findings) :]))
        if error is not None or seen.first is None or seen.info is None:
            return Report(findings, took_s, error.reason if error else None, error.detail if error else None)
        return Report(
            findings,
            took_s,
            codec=seen.info.codec,
            width=seen.first.width,
            height=seen.first.height,
            fps=seen.info.fps or judge.pictures_a_second(seen),
            kbit_s=judge.kbit_s(seen),
            key_interval_s=judge.key_interval_s(seen),
            audio=self._opening.audio,
            playable=judge.plays(seen.info.codec, seen.key),
            snapshot=seen.first.small_jpeg(SNAPSHOT_SIDE, 80),
        )

    def _running(self, stage: Stage) -> Finding:
        return Finding(stage, "running")

    def _end(self, stage: Stage, found: Words, remark: Remark | None = None, *, at_s: float | None = None) -> Finding:
        ended_s = time.monotonic() if at_s is None else at_s
        took_s, self._stage_s = max(0.0, ended_s - self._stage_s), ended_s
        return self._add(Finding(stage, "warning" if remark else "ok", took_s, found, remark))

    def _add(self, finding: Finding) -> Finding:
        self._findings.append(finding)
        return finding


def _blamed(reached: Stage, reason: CameraReason) -> Stage:
    """Which stage a failure belongs to: not every way of opening can tell connection, login and description apart."""
    if reached is Stage.LOGIN:
        return Stage.LOGIN if reason is CameraReason.UNAUTHORISED else Stage.DESCRIBE
    no_connection = reason in (CameraReason.REFUSED, CameraReason.TIMEOUT, CameraReason.CLOSED)
    return Stage.DESCRIBE if reached is Stage.CONNECT and not no_connection else reached
