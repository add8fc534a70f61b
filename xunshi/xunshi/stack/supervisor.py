"""Starts parts in order, waits until each answers, starts again what dies, stops all in reverse. One thread.

`parts` in, running processes out. The owner calls `bring_up`, then `tick` a few times a second, then `stop`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from xunshi.stack import process
from xunshi.stack.folder import PartState
from xunshi.stack.guard import Guard
from xunshi.stack.problem import StackProblem
from xunshi.stack.readiness import Readiness
from xunshi.words import choose

State = Literal["waiting", "starting", "ready", "resting", "done"]

#: A part that does not answer this long after its start is started again.
READY_TIMEOUT_S = 40.0
#: During the first start, a part that ends this often ends the start.
FIRST_START_TRIES = 3
#: Wait before a part that ended is started again; doubled each time up to the cap.
FIRST_REST_S, MAX_REST_S = 0.3, 15.0
#: A part that ran this long before it ended starts over with the first wait.
STEADY_AFTER_S = 60.0
#: A ready part is asked for a sign of life this often; after so many silent times it is killed and started again.
LIVENESS_EVERY_S, LIVENESS_TRIES = 5.0, 6
#: The whole stop takes at most this long, then what is left is killed.
STOP_TIMEOUT_S = 4.5
_TICK_S, _TAIL_LINES = 0.05, 12
_ROTATE_EVERY_S = 10.0


@dataclass(frozen=True)
class Part:
    """What runs, with what, after what. Parts of a lower `stage` stop later.

    `once`: it ends by itself. Not `needed`: the start waits for it, but goes on without it when it fails.
    """

    name: str
    argv: tuple[str, ...]
    readiness: Readiness
    env: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    stage: int = 1
    once: bool = False
    needed: bool = True


class Child:
    """A part and its present process."""

    def __init__(self, part: Part, log_file: Path) -> None:
        self.part = part
        self.log_file = log_file
        self.process: subprocess.Popen[bytes] | None = None
        self.state: State = "waiting"
        self.starts = 0
        self.failures = 0
        self.started_at = 0.0
        self.rest_until = 0.0
        self.ask_at = 0.0
        self.silent = 0

    @property
    def settled(self) -> bool:
        given_up = not self.part.needed and (self.part.once or self.failures > 0)
        return self.state in ("ready", "done") or given_up

    def as_state(self) -> PartState:
        running = self.process is not None and self.state not in ("resting", "done")
        return PartState(
            name=self.part.name,
            pid=self.process.pid if running and self.process else None,
            state=self.state,
            restarts=max(0, self.starts - 1),
            address=self.part.readiness.address,
            log=str(self.log_file),
        )


class Supervisor:
    """Owns the processes of one stack.

    Args:
        parts: in the order in which they are listed and started.
        logs: folder of their log files, one each.
        cwd: their working directory.
        keep: descriptors that the guardian holds open (the data folder's lock).
        on_change: called after a part changed its state.
        say: gets a line for the person at the terminal when a part fails.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        logs: Path,
        cwd: Path,
        *,
        keep: Sequence[int],
        on_change: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._children = {part.name: Child(part, logs / f"{part.name}.log") for part in parts}
        self._cwd = cwd
        self._on_change = on_change
        self._say = say
        self._guard = Guard(keep)
        self._booting = True
        self._rotate_at = 0.0

    def states(self) -> tuple[PartState, ...]:
        return tuple(child.as_state() for child in self._children.values())

    def waiting_for(self) -> list[str]:
        """Names of the parts that are not there yet."""
        return [name for name, child in self._children.items() if not child.settled]

    def bring_up(self, stopped: Callable[[], bool]) -> None:
        """Start everything; returns when all parts answer or `stopped()`.

        Raises:
            StackProblem: a part does not come up; the text holds the end of its log.
        """
        while self.waiting_for() and not stopped():
            self.tick()
            time.sleep(_TICK_S)
        self._booting = False

    def tick(self) -> None:
        """Look at every part once; start, kill and start again as needed. Never blocks for long."""
        now = time.monotonic()
        self._guard.check()
        for child in self._children.values():
            before = (child.state, child.starts)
            self._look_at(child, now)
            if before != (child.state, child.starts):
                self._on_change()
        if now >= self._rotate_at:
            self._rotate_at = now + _ROTATE_EVERY_S
            for child in self._children.values():
                process.rotate(child.log_file)

    def stop(self, *, hurry: Callable[[], bool]) -> None:
        """Stop all parts, later stages first, Redis last; kill what is left when time is up or `hurry()`."""
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for stage in sorted({child.part.stage for child in self._children.values()}, reverse=True):
            group = [child for child in self._running() if child.part.stage == stage]
            for child in group:
                if child.process:
                    process.signal_group(child.process.pid, signal.SIGTERM)
            while any(child.process and child.process.poll() is None for child in group):
                if time.monotonic() > deadline or hurry():
                    break
                time.sleep(_TICK_S)
            for child in group:
                self._end(child)
                child.state = "done"
        self._guard.close()

    def _look_at(self, child: Child, now: float) -> None:
        match child.state:
            case "waiting":
                if all(self._children[name].settled for name in child.part.after):
                    self._start(child, now)
            case "resting":
                if now >= child.rest_until:
                    self._start(child, now)
            case "starting":
                self._look_at_starting(child, now)
            case "ready":
                self._look_at_ready(child, now)

    def _look_at_starting(self, child: Child, now: float) -> None:
        code = child.process.poll() if child.process else None
        if code == 0 and child.part.once:
            self._end(child)
            child.state = "done"
        elif code is not None:
            self._failed(child, now, _ended(code))
        elif not child.part.once and child.part.readiness.answers(now - child.started_at):
            child.state, child.silent = "ready", 0
            child.ask_at = now + LIVENESS_EVERY_S
        elif not child.part.once and now - child.started_at > READY_TIMEOUT_S:
            self._failed(child, now, _not_ready(child.part.readiness.last_answer))

    def _look_at_ready(self, child: Child, now: float) -> None:
        code = child.process.poll() if child.process else None
        if code is not None:
            self._failed(child, now, _ended(code))
        elif now >= child.ask_at:
            child.ask_at = now + LIVENESS_EVERY_S
            child.silent = 0 if child.part.readiness.lives() else child.silent + 1
            if child.silent >= LIVENESS_TRIES:
                self._failed(child, now, _silent())

    def _start(self, child: Child, now: float) -> None:
        env = {**os.environ, **child.part.env}
        try:
            child.process = process.start(child.part.argv, env, child.log_file, cwd=self._cwd)
        except OSError as error:
            raise StackProblem(f"{child.part.name}: cannot be started: {error}") from error
        self._guard.add(child.process.pid)
        child.starts += 1
        child.started_at, child.state = now, "starting"

    def _failed(self, child: Child, now: float, reason: str) -> None:
        self._end(child)
        ran_s = now - child.started_at
        child.failures = 1 if child.state == "ready" and ran_s > STEADY_AFTER_S else child.failures + 1
        if child.part.once and not child.part.needed:
            self._say(f"{child.part.name}: {reason} ({child.log_file})")
            child.state = "done"
            return
        if self._booting and child.part.needed and (child.part.once or child.failures >= FIRST_START_TRIES):
            raise StackProblem(self._obituary(child, reason))
        again = choose("starting it again", "正在重新启动")
        self._say(f"{child.part.name}: {reason}; {again} ({child.log_file})")
        child.rest_until = now + min(MAX_REST_S, FIRST_REST_S * 2 ** (child.failures - 1))
        child.state = "resting"

    def _obituary(self, child: Child, reason: str) -> str:
        try:
            tail = child.log_file.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        except OSError:
            tail = []
        head = choose(f"{child.part.name} did not start: {reason}", f"{child.part.name} 启动失败：{reason}")
        return "\n".join([head, *(f"  {line}" for line in tail), f"  ({child.log_file})"])

    def _end(self, child: Child) -> None:
        """Nothing of the part's group is left when this returns."""
        if child.process is None or child.state not in ("starting", "ready"):
            return
        process.signal_group(child.process.pid, signal.SIGKILL)
        child.process.wait()
        self._guard.discard(child.process.pid)

    def _running(self) -> Iterator[Child]:
        return (child for child in self._children.values() if child.process and child.state in ("starting", "ready"))


def _ended(code: int) -> str:
    return choose(f"ended with exit code {code}", f"已退出（代码 {code}）")


def _not_ready(last_answer: str) -> str:
    after = f"{READY_TIMEOUT_S:.0f}"
    return choose(f"not ready after {after} s: {last_answer}", f"{after} 秒后仍未就绪：{last_answer}")


def _silent() -> str:
    after = f"{LIVENESS_EVERY_S * LIVENESS_TRIES:.0f}"
    return choose(f"no sign of life for {after} s", f"{after} 秒无响应")
