"""The supervisor with real processes: order, restart, stop, and nothing left after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared_kernel.testing import wait_until
from xunshi.stack import process, supervisor
from xunshi.stack.problem import StackProblem
from xunshi.stack.readiness import KeepsRunning
from xunshi.stack.supervisor import Part, Supervisor

Start = Callable[..., Supervisor]
SLEEP = "import time; time.sleep(600)"


def part(name: str, code: str = SLEEP, **more: object) -> Part:
    return Part(name, (sys.executable, "-c", code), KeepsRunning(0.1), **more)  # type: ignore[arg-type]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Supervisor] = []
    said: list[str] = []

    def make(*parts: Part, up: bool = True) -> Supervisor:
        made = Supervisor(parts, tmp_path, tmp_path, keep=(), on_change=lambda: None, say=said.append)
        started.append(made)
        if up:
            made.bring_up(lambda: False)
        return made

    yield make
    for made in started:
        made.stop(hurry=lambda: True)


def pid_of(made: Supervisor, name: str) -> int:
    found = next(state.pid for state in made.states() if state.name == name)
    assert found is not None
    return found


def state_of(made: Supervisor, name: str) -> tuple[str, int]:
    return next((state.state, state.restarts) for state in made.states() if state.name == name)


def ticking(made: Supervisor, condition: Callable[[], bool]) -> Callable[[], bool]:
    def look() -> bool:
        made.tick()
        return condition()

    return look


def gone(pid: int) -> bool:
    """Ended; a zombie that nobody has waited for counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_part_starts_after_those_it_needs(start: Start, tmp_path: Path) -> None:
    note = tmp_path / "order"
    say = f"open({str(note)!r}, 'a').write('%s '); "
    start(
        part("last", say % "last" + SLEEP, after=("middle",)),
        part("middle", say % "middle" + SLEEP, after=("once",)),
        part("once", say % "once", once=True),
    )
    assert note.read_text().split() == ["once", "middle", "last"]


def test_a_part_that_dies_comes_back(start: Start) -> None:
    made = start(part("worker"))
    before = pid_of(made, "worker")
    os.kill(before, signal.SIGKILL)
    wait_until(ticking(made, lambda: state_of(made, "worker") == ("ready", 1)))
    assert pid_of(made, "worker") != before


def test_the_wait_before_a_restart_grows_and_is_capped(start: Start) -> None:
    made = start(part("worker"))
    child = made._children["worker"]
    waits = []
    for _ in range(9):
        now = time.monotonic()
        made._failed(child, now, "test")
        waits.append(round(child.rest_until - now, 3))
    assert waits[:3] == [0.3, 0.6, 1.2]
    assert waits[-1] == supervisor.MAX_REST_S


def test_a_part_that_never_starts_ends_the_start_and_shows_its_log(start: Start) -> None:
    made = start(part("broken", "raise SystemExit('no weights here')"), up=False)
    with pytest.raises(StackProblem, match="no weights here"):
        made.bring_up(lambda: False)
    assert state_of(made, "broken")[1] == supervisor.FIRST_START_TRIES - 1


def test_a_one_time_part_that_fails_ends_the_start_at_once(start: Start) -> None:
    made = start(part("migrate", "raise SystemExit('bad schema')", once=True), up=False)
    with pytest.raises(StackProblem, match="bad schema"):
        made.bring_up(lambda: False)


def test_an_optional_part_that_fails_does_not(start: Start) -> None:
    made = start(part("demo", "raise SystemExit(1)", once=True, needed=False), part("worker"))
    wait_until(ticking(made, lambda: state_of(made, "demo")[0] == "done"))
    assert state_of(made, "worker") == ("ready", 0)


def test_a_cache_that_does_not_start_is_tried_for_ever_and_holds_nothing_up(start: Start) -> None:
    made = start(part("index", "raise SystemExit('damaged')", needed=False), part("worker"))
    wait_until(ticking(made, lambda: state_of(made, "index")[1] >= supervisor.FIRST_START_TRIES))
    assert state_of(made, "worker") == ("ready", 0)


def test_the_start_waits_for_a_cache_that_does(start: Start) -> None:
    made = start(part("index", "import time; time.sleep(600)", needed=False), part("worker"))
    assert state_of(made, "index") == ("ready", 0)


def test_a_program_that_does_not_exist_is_named(start: Start) -> None:
    missing = Part("ghost", ("/nonexistent/program",), KeepsRunning(0.1))
    with pytest.raises(StackProblem, match="ghost"):
        start(missing)


def test_stop_ends_later_stages_first_and_leaves_nothing(start: Start, tmp_path: Path) -> None:
    note = tmp_path / "order"
    code = (
        "import signal, sys, time\n"
        f"def end(*_):\n    open({str(note)!r}, 'a').write('NAME ')\n    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\ntime.sleep(600)"
    )
    made = start(
        part("redis", code.replace("NAME", "redis"), stage=0), part("service", code.replace("NAME", "service"), stage=1)
    )
    pids = [pid_of(made, "redis"), pid_of(made, "service")]
    made.stop(hurry=lambda: False)
    assert note.read_text().split() == ["service", "redis"]
    assert all(gone(pid) for pid in pids)


def test_a_guardian_that_is_killed_is_replaced_and_told_everything(start: Start) -> None:
    made = start(part("worker"))
    worker, first = pid_of(made, "worker"), made._guard.pid
    os.kill(first, signal.SIGKILL)
    wait_until(ticking(made, lambda: made._guard.pid != first))
    made._guard.close()  # what it sees when the supervisor vanishes
    wait_until(lambda: gone(worker))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_nothing_is_left_when_the_supervisor_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    toy = subprocess.Popen([sys.executable, str(Path(__file__).with_name("toy_stack.py")), str(tmp_path)])
    try:
        wait_until((tmp_path / "up").exists, what="toy stack")
        pids = [int(pid) for file in tmp_path.glob("*.pids") for pid in file.read_text().split()]
        assert len(pids) == 6
        assert not any(gone(pid) for pid in pids)
    finally:
        toy.send_signal(number)
        toy.wait()
    wait_until(lambda: all(gone(pid) for pid in pids), what="all toys gone, also the stubborn and the forked")


def test_memory_is_counted_for_the_whole_group(start: Start) -> None:
    made = start(part("worker", "import os; os.fork(); hoard = bytearray(32_000_000); " + SLEEP))
    pid = pid_of(made, "worker")
    wait_until(lambda: process.memory_bytes({pid})[pid] > 60_000_000, what="memory of both")


def test_memory_is_counted_of_children_in_groups_of_their_own(start: Start) -> None:
    hoard = "import os; os.fork() or os.setsid(); hoard = bytearray(32_000_000); " + SLEEP
    made = start(part("worker", hoard))
    pid = pid_of(made, "worker")
    wait_until(lambda: process.memory_bytes({pid})[pid] > 60_000_000, what="memory of both")


def test_a_log_that_grew_too_large_is_moved_aside_while_its_writer_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "MAX_LOG_BYTES", 1000)
    log = tmp_path / "part.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"a" * 2000)
        process.rotate(log)
        writer.write(b"b" * 10)
    assert log.read_bytes() == b"b" * 10
    assert log.with_suffix(".log.1").read_bytes() == b"a" * 2000
