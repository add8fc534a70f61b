"""How a camera is said to be, from what there is to see of it: states, reasons, hysteresis, outages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_kernel.messages import CameraReason
from stream_service.condition import BACK_AFTER_S, OUTAGE_AFTER_S, Condition, Signs, Tally, Verdict
from tests.unit.stream_service.doubles import START

STEP_S = 0.25


@dataclass
class Camera:
    """A camera whose behaviour is told second by second; the machine looks four times a second."""

    at_s: float = 0.0
    promised_fps: float | None = 25.0
    opened_s: float | None = None
    arrived_s: float | None = None
    pictured_s: float | None = None
    blind_since_s: float | None = None
    counts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(Tally._fields, 0.0))
    history: list[tuple[str, str | None]] = field(default_factory=list)
    outages: list[datetime] = field(default_factory=list)
    condition: Condition = field(default_factory=lambda: Condition(0.0, START))

    @property
    def said(self) -> Verdict:
        return self.condition.verdict

    @property
    def brief(self) -> tuple[str, str | None]:
        return self.said.state, self.said.reason

    def wall(self, at_s: float) -> datetime:
        return START + timedelta(seconds=at_s)

    def _run(self, seconds: float, each: Callable[[], None], *, wanted: bool = True) -> Verdict:
        for _ in range(round(seconds / STEP_S)):
            self.at_s += STEP_S
            each()
            tally = Tally(*(int(value) for value in self.counts.values()))
            seen = (self.opened_s, self.arrived_s, self.pictured_s, self.blind_since_s)
            before = self.said.outage_since
            self.condition.look(Signs(self.at_s, self.wall(self.at_s), wanted, *seen, self.promised_fps, tally))
            if self.brief not in self.history[-1:]:
                self.history.append(self.brief)
            if before is None and self.said.outage_since is not None:
                self.outages.append(self.said.outage_since)
        return self.said

    def plays(self, seconds: float, *, fps: float = 25.0, **shares: float) -> Verdict:
        """Pictures; `shares` of them are damaged or dropped, of five sampled ones a second skipped."""

        def each() -> None:
            self.opened_s = self.at_s if self.opened_s is None else self.opened_s
            self.arrived_s = self.pictured_s = self.at_s
            self.blind_since_s = None
            self.counts["packets"] += fps * STEP_S
            self.counts["pictures"] += fps * STEP_S * (1 - shares.get("damaged", 0.0))
            self.counts["sampled"] += 5 * STEP_S
            for name, share in shares.items():
                self.counts[name] += share * STEP_S * (5 if name == "skipped" else fps)

        return self._run(seconds, each)

    def hangs(self, seconds: float) -> Verdict:
        """The connection stays, nothing comes."""
        return self._run(seconds, lambda: None)

    def gives_rubbish(self, seconds: float) -> Verdict:
        """Packets that become no picture."""
        self.blind_since_s = self.at_s

        def each() -> None:
            self.arrived_s = self.at_s
            self.counts["packets"] += 25 * STEP_S

        return self._run(seconds, each)

    def breaks(self, seconds: float, reason: CameraReason = CameraReason.CLOSED) -> Verdict:
        """The connection is gone and does not come back."""
        self.opened_s = self.arrived_s = self.pictured_s = self.blind_since_s = None
        self.condition.failed(reason, "camera: is gone")
        return self._run(seconds, lambda: None)

    def rests(self, seconds: float) -> Verdict:
        self.opened_s = self.arrived_s = self.pictured_s = self.blind_since_s = None
        return self._run(seconds, lambda: None, wanted=False)


def test_a_new_camera_connects_and_is_online_with_its_first_picture() -> None:
    camera = Camera()
    assert camera.hangs(3).state == "connecting"
    assert camera.plays(0.25).state == "online"
    assert camera.said.since == camera.said.picture_since == camera.wall(3.25)


def test_a_camera_that_was_never_there_is_offline_at_once_and_stays_so_while_it_is_tried_again() -> None:
    camera = Camera()
    camera.hangs(1)
    camera.breaks(0.25, CameraReason.UNAUTHORISED)
    assert camera.brief == ("offline", "unauthorised")
    camera.opened_s = camera.at_s  # it is tried again
    camera.hangs(3)
    assert camera.history == [("connecting", None), ("offline", "unauthorised")]


def test_a_camera_that_goes_is_fetched_again_before_it_is_called_offline() -> None:
    camera = Camera()
    camera.plays(60)
    camera.breaks(4)
    assert camera.brief == ("connecting", "closed")
    assert camera.breaks(2).since == camera.wall(60)
    assert camera.history == [("online", None), ("connecting", "closed"), ("offline", "closed")]
    assert camera.said.picture_since is None


def test_a_camera_that_hangs_is_stale_with_a_reason() -> None:
    camera = Camera()
    camera.plays(60)
    camera.hangs(2.75)
    assert camera.said.state == "online"
    camera.hangs(1)
    assert camera.brief == ("stale", "frozen")


def test_packets_without_pictures_are_stale_too() -> None:
    camera = Camera()
    camera.plays(60)
    camera.gives_rubbish(5)
    assert camera.said.state == "online"
    camera.gives_rubbish(7)
    assert camera.brief == ("stale", "invalid_data")


@pytest.mark.parametrize(
    ("bad", "between", "good", "reason"),
    [
        ({"fps": 6.0}, {"fps": 11.5}, {"fps": 24.0}, "few_pictures"),
        ({"damaged": 0.2}, {"damaged": 0.05}, {"damaged": 0.0}, "damaged"),
        ({"skipped": 0.9}, {"skipped": 0.4}, {"skipped": 0.0}, "not_analysed"),
        ({"dropped": 0.3}, {"dropped": 0.05}, {"dropped": 0.0}, "overloaded"),
    ],
)
def test_less_than_promised_is_degraded_until_it_is_clearly_better(
    bad: dict[str, float], between: dict[str, float], good: dict[str, float], reason: str
) -> None:
    camera = Camera()
    camera.plays(60, **between)
    assert camera.said.state == "online", "not bad enough to begin with"
    camera.plays(45, **bad)
    assert camera.brief == ("degraded", reason)
    assert camera.said.detail
    camera.plays(45, **between)
    assert camera.brief == ("degraded", reason), "not good enough to end with"
    camera.plays(45, **good)
    assert camera.history == [("online", None), ("degraded", reason), ("online", None)]


def test_a_moment_of_trouble_is_not_degraded() -> None:
    camera = Camera()
    camera.plays(60)
    camera.plays(5, fps=2.0, skipped=1.0)
    camera.plays(60)
    assert camera.history == [("online", None)]


@pytest.mark.parametrize("promised_fps", [None, 0.0, 1000.0, 90000.0])
def test_a_promise_that_nobody_can_believe_is_none(promised_fps: float | None) -> None:
    camera = Camera(promised_fps=promised_fps)
    assert camera.plays(60, fps=8).state == "online"


def test_a_blink_is_no_outage_and_neither_are_two() -> None:
    camera = Camera()
    for _ in range(2):
        camera.plays(60)
        camera.breaks(OUTAGE_AFTER_S - 1)
    camera.plays(60)
    assert camera.outages == []


def test_an_outage_begins_with_the_last_picture_and_ends_when_the_camera_is_back_for_good() -> None:
    camera = Camera()
    camera.plays(60)
    camera.breaks(OUTAGE_AFTER_S - 0.25)
    assert camera.outages == []
    camera.breaks(30)
    assert camera.outages == [camera.wall(60)]
    back_s = camera.at_s + STEP_S
    said = camera.plays(BACK_AFTER_S - 1)
    assert (said.state, said.outage_since) == ("online", camera.wall(60))
    said = camera.plays(2)
    assert (said.outage_since, said.picture_since) == (None, camera.wall(back_s))


def test_a_hanging_camera_is_an_outage_from_its_last_packet_on() -> None:
    camera = Camera()
    camera.plays(60)
    camera.hangs(5)
    camera.breaks(10, CameraReason.FROZEN)
    assert camera.said.outage_since == camera.wall(60)


def test_a_camera_that_flaps_is_one_outage_and_changes_its_state_a_few_times_only() -> None:
    camera = Camera()
    camera.plays(60)
    for _ in range(60):
        camera.breaks(3)
        camera.plays(2)
    assert len(camera.outages) == 1
    assert camera.brief == ("degraded", "unsteady")
    assert len(camera.history) < 8
    camera.plays(200)
    assert camera.said.state == "online"
    assert camera.said.outage_since is None


def test_a_connection_that_breaks_now_and_then_is_degraded_and_no_outage() -> None:
    camera = Camera()
    for _ in range(10):
        camera.plays(20)
        camera.breaks(1)
    assert camera.outages == []
    camera.plays(1)
    assert camera.brief == ("degraded", "unsteady")


def test_a_camera_that_never_worked_is_an_outage_too() -> None:
    camera = Camera()
    camera.breaks(60, CameraReason.REFUSED)
    assert camera.outages == [START]


def test_a_camera_that_rests_is_paused_and_no_outage() -> None:
    camera = Camera()
    camera.plays(60)
    camera.breaks(60)
    assert len(camera.outages) == 1
    said = camera.rests(3600)
    assert (said.state, said.reason, said.outage_since, said.picture_since) == ("paused", "plan", None, None)
    assert camera.hangs(1).state == "connecting"
    assert camera.plays(1).state == "online"
    assert len(camera.outages) == 1


def test_after_a_rest_the_time_before_does_not_count() -> None:
    camera = Camera()
    camera.plays(60)
    camera.rests(3600)
    camera.breaks(OUTAGE_AFTER_S - 1, CameraReason.REFUSED)
    assert camera.said.state == "offline"
    assert camera.outages == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["plays", "hangs", "breaks", "gives_rubbish", "rests"]), st.integers(1, 40)),
        max_size=12,
    )
)
def test_whatever_happens_what_is_said_holds_together(life: list[tuple[str, int]]) -> None:
    camera = Camera()
    light_s = 0.0
    for what, seconds in life:
        before = camera.said.outage_since
        for _ in range(seconds):
            said = getattr(camera, what)(1)
            lit = said.picture_since is not None
            light_s = light_s + 1 if lit else 0.0
            assert (said.state == "paused") == (what == "rests")
            assert not lit or said.state in ("online", "degraded")
            assert lit or said.state != "online"
            assert (said.reason is None) == (said.state == "online") or said.state == "connecting"
            assert said.since <= camera.wall(camera.at_s)
            if before is not None and said.outage_since is None:
                assert what == "rests" or light_s >= BACK_AFTER_S - 1
            before = said.outage_since
