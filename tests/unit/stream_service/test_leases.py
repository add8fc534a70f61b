"""What a replica makes of the rounds: it runs what it holds, keeps it while Redis is away, and gives back the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shared_kernel.bus import Round
from shared_kernel.errors import Unavailable
from shared_kernel.testing import wait_until
from stream_service.fleet import Fleet
from stream_service.leases import Leases
from stream_service.ports import CameraEntry


class ScriptedStore:
    """Answers every round with `answer`. Refuses while `away`."""

    def __init__(self) -> None:
        self.answer = Round()
        self.away = False
        self.wanted: list[Sequence[str]] = []
        self.released: list[str] = []
        self.left: Sequence[str] | None = None

    def round(self, wanted: Sequence[str]) -> Round:
        if self.away:
            raise Unavailable("redis", "connection refused")
        self.wanted.append(wanted)
        return self.answer

    def release(self, things: Sequence[str]) -> None:
        if self.away:
            raise Unavailable("redis", "connection refused")
        self.released += things

    def leave(self, things: Sequence[str]) -> None:
        if self.away:
            raise Unavailable("redis", "connection refused")
        self.left = things


class Watched:
    """Leases that ask all the time, and what they called."""

    def __init__(self) -> None:
        self.store = ScriptedStore()
        self.forgotten: list[str] = []
        self.roomless: list[Sequence[str]] = []
        self.changes = 0
        self.leases = Leases(self.forgotten.append, self.roomless.append, round_every_s=0.001)

    def change(self) -> None:
        self.changes += 1

    @contextmanager
    def running(self, *wanted: str) -> Iterator[Leases]:
        self.leases.start(self.store, self.change)
        self.leases.want(wanted)
        try:
            yield self.leases
        finally:
            self.leases.stop()

    def next_round(self) -> None:
        began = len(self.store.wanted)
        wait_until(lambda: len(self.store.wanted) > began + 1, 10)


def test_nothing_is_taken_before_the_list_is_known() -> None:
    watched = Watched()
    watched.leases.start(watched.store, watched.change)
    watched.leases.want(["gate"])
    wait_until(lambda: watched.store.wanted, 10)
    watched.leases.stop()
    assert set(watched.store.wanted) == {("gate",)}


def test_a_replica_that_cannot_have_the_list_takes_no_share() -> None:
    watched, asked = Watched(), []

    class Nobody:
        def cameras(self) -> list[CameraEntry]:
            asked.append(1)
            raise Unavailable("api", "connection refused")

    fleet = Fleet(Nobody(), watched.leases, lambda _: 1 // 0)  # type: ignore[arg-type, return-value]
    watched.leases.start(watched.store, fleet.leases_changed)
    fleet.start()
    wait_until(lambda: asked, 10)
    fleet.reload()
    wait_until(lambda: len(asked) > 1, 10)
    fleet.stop()
    watched.leases.stop()
    assert watched.store.wanted == []


def test_what_is_held_runs_here_and_has_its_token() -> None:
    watched = Watched()
    watched.store.answer = Round(held={"gate": 7}, others={"yard": "other:1"})
    with watched.running("gate", "yard") as leases:
        wait_until(lambda: leases.runs_here("gate"), 10)
        assert (leases.fence("gate"), leases.fence("yard")) == (7, 0)
        assert not leases.runs_here("yard")
        assert (leases.elsewhere("yard"), leases.elsewhere("gate")) == ("other:1", None)
        watched.next_round()
    assert watched.changes == 1
    assert watched.store.left == ["gate"]
    assert not leases.runs_here("gate")


def test_while_redis_is_away_nothing_changes() -> None:
    watched = Watched()
    watched.store.answer = Round(held={"gate": 7})
    with watched.running("gate") as leases:
        wait_until(lambda: leases.runs_here("gate"), 10)
        watched.store.away = True
        leases.release(["gate"])  # cannot be, and does no harm
        assert leases.runs_here("gate")
        watched.store.answer, watched.store.away = Round(others={"gate": "other:1"}), False
        wait_until(lambda: not leases.runs_here("gate"), 10)
        watched.store.away = True
    assert watched.store.left is None


def test_surplus_is_stopped_first_and_still_held() -> None:
    watched = Watched()
    watched.store.answer = Round(held={"gate": 7, "yard": 8}, surplus=("yard",))
    with watched.running("gate", "yard") as leases:
        wait_until(leases.leaving, 10)
        assert (leases.runs_here("gate"), leases.runs_here("yard")) == (True, False)
        assert leases.fence("yard") == 8
        leases.release(sorted(leases.leaving()))
    assert watched.store.released == ["yard"]


def test_an_answer_of_no_address_is_nowhere() -> None:
    watched = Watched()
    watched.store.answer = Round(others={"yard": ""})
    with watched.running("yard") as leases:
        watched.next_round()
        assert leases.elsewhere("yard") is None


def test_a_name_that_is_taken_is_a_reason_not_to_be_ready() -> None:
    watched = Watched()
    watched.store.answer = Round(namesake="other:1")
    with watched.running("gate") as leases:
        wait_until(leases.check, 10)
        assert "other:1" in (leases.check() or "")
        watched.store.answer = Round(held={"gate": 1})
        wait_until(lambda: leases.check() is None, 10)


def test_who_is_forgotten_and_what_has_no_room_is_said() -> None:
    watched = Watched()
    watched.store.answer = Round(roomless=("dock", "yard"), forgotten=("old",))
    with watched.running("dock", "yard") as leases:
        wait_until(leases.roomless, 10)
        wait_until(lambda: watched.forgotten, 10)
        watched.next_round()
    assert watched.roomless == [("dock", "yard")]  # not in every round


def test_an_unexpected_error_does_not_end_the_rounds() -> None:
    watched = Watched()
    watched.store.answer = Round(held={"gate": 1}, forgotten=("old",))

    def fail(_: str) -> None:
        raise RuntimeError("a defect")

    watched.leases = Leases(fail, watched.roomless.append, round_every_s=0.001)
    with watched.running("gate"):
        watched.next_round()
