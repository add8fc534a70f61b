"""The data folder of one stack: who holds it, its secrets, and what runs.

secrets.json  0600, made once      xunshi.db  blobs/  redis/  milvus/  spool/  clips/  packs/  face-models/  logs/
spool-2/ …    of further replicas of stream-service
run/lock      held by the running `up` and its guardian        run/stack.json  what runs, where
"""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from xunshi.stack.problem import StackProblem
from xunshi.words import choose

#: How long a second `up` waits for the remains of one that was killed.
WAIT_FOR_REMAINS_S = 10.0
#: Below run/: name and one-time password of the first administrator, until `up` has shown them.
FIRST_LOGIN = "first-login.json"
_POLL_S = 0.1
_KEY_BYTES = 32


class Secrets(BaseModel, frozen=True):
    """Made once per data folder. Losing `url_key` loses the stored camera addresses."""

    service_token: str
    ticket_key: str
    jwt_key: str
    url_key: str
    redis_password: str

    @classmethod
    def new(cls) -> Secrets:
        return cls(
            service_token=secrets.token_urlsafe(_KEY_BYTES),
            ticket_key=secrets.token_urlsafe(_KEY_BYTES),
            jwt_key=secrets.token_urlsafe(_KEY_BYTES),
            url_key=base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode(),  # the form of a Fernet key
            redis_password=secrets.token_hex(_KEY_BYTES),
        )


class PartState(BaseModel, frozen=True):
    """One line of `xunshi status`. `address` is host:port, empty for parts that only work."""

    name: str
    pid: int | None
    state: str
    restarts: int
    address: str = ""
    log: str = ""


class StackState(BaseModel, frozen=True):
    """Contents of run/stack.json."""

    pid: int
    address: str
    redis_port: int
    api_port: int
    started_at: str
    parts: tuple[PartState, ...] = ()


@dataclass(frozen=True)
class DataFolder:
    """Paths below one data folder."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> DataFolder:
        return cls(path.expanduser().resolve())

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def clips(self) -> Path:
        return self.path / "clips"

    @property
    def packs(self) -> Path:
        return self.path / "packs"

    @property
    def face_models(self) -> Path:
        return self.path / "face-models"

    def spool(self, number: int) -> Path:
        """What the stream-service with this number (from 1) has not sent yet."""
        return self.path / ("spool" if number == 1 else f"spool-{number}")

    def spools_in_use(self) -> int:
        """The highest number of a spool that still holds something: its replica has to run once more."""
        numbers = (int(path.name.removeprefix("spool-")) for path in self.path.glob("spool-[0-9]*") if _holds(path))
        return max(numbers, default=1)

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.path / 'xunshi.db'}"

    @property
    def blobs_url(self) -> str:
        return f"file://{self.path / 'blobs'}"

    def make(self) -> None:
        """Create the folders; only their owner may look inside.

        Raises:
            StackProblem: it is no folder, or cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name in ("run", "logs", "clips", "packs", "face-models", "redis", "milvus", "spool", "blobs"):
                (self.path / name).mkdir(exist_ok=True, mode=0o700)
            probe = self.run / f".write-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise StackProblem(
                choose(
                    f"data folder {self.path}: cannot be written ({error.strerror}); give another with --data DIR",
                    f"数据目录 {self.path} 无法写入（{error.strerror}）；请用 --data DIR 指定其他目录",
                )
            ) from error

    def lock(self) -> int:
        """Hold the folder until this process and all that inherit the descriptor are gone.

        Returns:
            The open descriptor.

        Raises:
            StackProblem: another `up` holds it.
        """
        descriptor = os.open(self.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + WAIT_FOR_REMAINS_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                if (holder.isdigit() and _alive(int(holder))) or time.monotonic() > deadline:
                    os.close(descriptor)
                    raise self._held_by(holder) from None
                time.sleep(_POLL_S)
            else:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
                return descriptor

    def _held_by(self, holder: str) -> StackProblem:
        state = self.state()
        where = f", {state.address}" if state else ""
        return StackProblem(
            choose(
                f"data folder {self.path}: Xunshi already runs on it (process {holder}{where}). "
                "It was left alone; stop it with Ctrl-C there, or give another folder with --data DIR.",
                f"数据目录 {self.path}：巡视已在其上运行（进程 {holder}{where}）。未作改动；"
                "请先在原终端按 Ctrl-C 停止，或用 --data DIR 指定其他目录。",
            )
        )

    def is_locked(self) -> bool:
        """Whether an `up` runs on this folder."""
        try:
            descriptor = os.open(self.run / "lock", os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)

    def secrets(self, *, make: bool = False) -> Secrets:
        """The folder's secrets, made on the first start when `make`.

        Raises:
            StackProblem: there are none, or the file is damaged.
        """
        path = self.path / "secrets.json"
        if make and not path.exists():
            write_whole(path, Secrets.new().model_dump_json(indent=2) + "\n")
        try:
            return Secrets.model_validate_json(path.read_text())
        except FileNotFoundError as error:
            raise StackProblem(
                choose(
                    f"data folder {self.path}: nothing was ever started here; run `xunshi up` first or give --data DIR",
                    f"数据目录 {self.path}：尚未启动过；请先运行 `xunshi up`，或用 --data DIR 指定目录",
                )
            ) from error
        except (ValidationError, OSError) as error:
            raise StackProblem(f"{path}: expected the secrets of this installation, got: {error}") from error

    def state(self) -> StackState | None:
        """What the last `up` wrote about itself, or None."""
        try:
            return StackState.model_validate_json((self.run / "stack.json").read_text())
        except (OSError, ValidationError):
            return None

    def write_state(self, state: StackState) -> None:
        write_whole(self.run / "stack.json", state.model_dump_json(indent=2) + "\n")

    def forget_state(self) -> None:
        (self.run / "stack.json").unlink(missing_ok=True)


def _holds(spool: Path) -> bool:
    """Whether passes or footage wait in a spool."""
    return any(path.is_file() for name in ("queue", "open", "footage") for path in (spool / name).rglob("*"))


def write_whole(path: Path, text: str) -> None:
    """Readers see the old file or the new one, never half of it. Mode 0600."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
