"""`xunshi up` as a part of a test. When the test's process dies, however it dies, the stack ends with it."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

from shared_kernel.testing import free_port, wait_until
from shared_kernel.testing.parts import Part
from xunshi.stack.folder import DataFolder, StackState
from xunshi.testing.client import ApiClient

#: Two cores that are shared with other work; alone it is a few seconds.
START_TIMEOUT_S = 90.0
#: The cameras of tests and benches are on this machine, where the service allows none by itself.
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
    "STREAM_ALLOWED_RANGES": "127.0.0.0/8",
}
#: The end of the last line of what `up` says when it runs: what is read before may lack the login.
_LAST_WORDS = "stop: Ctrl-C"
_FIRST_LOGIN = re.compile(r"first login: (\S+) / (\S+)")


def gone(pid: int) -> bool:
    """Ended; a zombie that nobody has waited for counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


class RunningStack(Part):
    """`with RunningStack(tmp_path) as stack:`. `stack.log` has all that `up` said, both outputs together.

    Args:
        data: the data folder; kept, so that a second stack on it is a second start.
        demo: whether the demo camera plays.
        streams: replicas of stream-service.
        environment: variables of the services, `STREAM_SAMPLE_FPS` for example.
    """

    def __init__(
        self, data: Path, *, demo: bool = False, streams: int = 1, environment: dict[str, str] | None = None
    ) -> None:
        self.folder = DataFolder.at(data)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._clients: list[ApiClient] = []
        command = [sys.executable, "-m", "xunshi", "up", "--data", str(data), "--port", str(self.port)]
        command += ["--streams", str(streams)]
        super().__init__(
            "xunshi up",
            command if demo else [*command, "--no-demo"],
            ready=lambda: _LAST_WORDS in self.said(),
            log=data.with_name(f"{data.name}-up-{self.port}.log"),
            environment={**_ENVIRONMENT, **(environment or {})},
            start_timeout_s=START_TIMEOUT_S,
        )

    def said(self) -> str:
        """What `up` printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def first_login(self) -> tuple[str, str]:
        """Name and one-time password, as printed on the first start."""
        found = _FIRST_LOGIN.search(self.said())
        if found is None:
            raise LookupError(f"first login: expected it in what `up` said, got:\n{self.said()}")
        return found.group(1), found.group(2)

    def stranger(self) -> ApiClient:
        """A client that is not logged in. Closed when the stack ends."""
        client = ApiClient(self.url)
        self._clients.append(client)
        return client

    def client(self, *, password: str = "a-password-of-my-own-1") -> ApiClient:
        """A client that is logged in as the first administrator; changes the one-time password when that is due."""
        username, one_time = self.first_login()
        client = self.stranger()
        if not client.try_log_in(username, password):
            client.log_in(username, one_time)
            client.change_password(one_time, password)
            client.log_in(username, password)
        return client

    def _end(self, how: signal.Signals, timeout_s: float) -> None:
        while self._clients:
            self._clients.pop().close()
        super()._end(how, timeout_s)

    def state(self) -> StackState:
        """What `up` says of itself now."""
        state = self.folder.state()
        if state is None:
            raise LookupError(f"{self.folder.path}: expected a running stack, found none")
        return state

    def pid_of(self, name: str) -> int:
        """Process id of a part, once it runs."""
        return wait_until(lambda: next(part.pid for part in self.state().parts if part.name == name), what=name) or 0

    def pids(self) -> set[int]:
        """`up` itself and the leaders of all its parts."""
        return {self.state().pid, *(part.pid for part in self.state().parts if part.pid)}

    def all_ready(self) -> bool:
        return all(part.state in ("ready", "done") for part in self.state().parts)
