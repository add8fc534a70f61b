"""A real MariaDB server: the installed one, else one unpacked from Debian packages into the cache."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from shared_kernel.testing.debian import library_path, unpacked
from shared_kernel.testing.missing import PartMissing
from shared_kernel.testing.parts import Part
from shared_kernel.testing.ports import free_port

#: Small files are quick to copy. A crash of the server loses nothing; only a crash of the machine would.
_SMALL = ["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=2"]
_CHARSET = ["--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci"]
_INIT_TIMEOUT_S = 120


@dataclass(frozen=True)
class _Programs:
    server: Path
    install: Path
    base: Path | None
    libraries: str

    @property
    def environment(self) -> dict[str, str]:
        """Programs of the tree must be found before, and work without, installed ones."""
        path = f"{self.server.parent}{os.pathsep}{self.install.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {"PATH": path, **({"LD_LIBRARY_PATH": self.libraries} if self.libraries else {})}

    @property
    def where(self) -> list[str]:
        if self.base is None:
            return []
        plugins = next(iter(self.base.glob("lib/**/mysql/plugin")), self.base / "lib/mysql/plugin")
        messages = f"--lc-messages-dir={self.base / 'share/mysql'}"
        return [f"--basedir={self.base}", messages, f"--plugin-dir={plugins}"]


class MariadbServer(Part):
    """User root without a password on 127.0.0.1. Data is in `directory` and survives `restart`.

    Raises:
        PartMissing: not installed and not to be had.
        PartFailed: `start` did not succeed.
    """

    def __init__(self, directory: Path, cache: Path, port: int | None = None) -> None:
        programs = _programs(cache)
        directory.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        data = directory / "data"
        if not data.exists():
            _copy(_template(programs, cache), data)
        where = [f"--datadir={data}", f"--socket={_socket(directory)}", f"--port={self.port}"]
        alone = ["--bind-address=127.0.0.1", "--skip-name-resolve", f"--pid-file={directory / 'pid'}"]
        command: list[str | Path] = [
            programs.server,
            "--no-defaults",
            *programs.where,
            *where,
            *alone,
            *_CHARSET,
            *_SMALL,
            *_as_root(),
        ]
        super().__init__(
            "mariadb",
            command,
            ready=self._answers,
            log=directory / "mariadb.log",
            environment=programs.environment,
        )

    def make_database(self) -> str:
        """A new empty database; its address for SQLAlchemy."""
        name = f"test_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/{name}?charset=utf8mb4"

    def drop_database(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2].partition('?')[0]}")

    def execute(self, statement: str) -> tuple[tuple[object, ...], ...]:
        """One statement as root, outside any database; its rows."""
        import pymysql

        server = pymysql.connect(host="127.0.0.1", port=self.port, user="root", connect_timeout=5)
        with server as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return tuple(cursor.fetchall())

    def _answers(self) -> bool:
        import pymysql

        try:
            return bool(self.execute("SELECT 1"))
        except pymysql.err.OperationalError:
            return False


def _programs(cache: Path) -> _Programs:
    server = shutil.which("mariadbd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    install = shutil.which("mariadb-install-db")
    if server and install:
        return _Programs(Path(server), Path(install), None, "")
    try:
        tree = unpacked(["mariadb-server-core", "mariadb-client-core"], cache / "mariadb" / "tree")
    except PartMissing as error:
        raise PartMissing(f"MariaDB: install mariadb-server; {error}") from error
    base = tree / "usr"
    return _Programs(base / "sbin" / "mariadbd", base / "bin" / "mariadb-install-db", base, library_path(tree))


def _template(programs: _Programs, cache: Path) -> Path:
    """An initialised data folder, made once a version: that takes seconds, a copy does not."""
    environment = {**os.environ, **programs.environment}
    asked = subprocess.run([programs.server, "--version"], env=environment, capture_output=True, text=True, check=True)
    version = asked.stdout.split("Ver ", 1)[-1].split()[0]
    template = cache / "mariadb" / f"template-{version}"
    template.parent.mkdir(parents=True, exist_ok=True)
    with (template.parent / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            fresh = template.with_name(template.name + ".new")
            shutil.rmtree(fresh, ignore_errors=True)
            base = [f"--basedir={programs.base}"] if programs.base else []
            auth = ["--auth-root-authentication-method=normal", "--skip-test-db"]
            command: list[str | Path] = [
                programs.install,
                "--no-defaults",
                *base,
                f"--datadir={fresh}",
                *auth,
                *_SMALL,
                *_as_root(),
            ]
            made = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=_INIT_TIMEOUT_S, check=False
            )
            if made.returncode:
                raise PartMissing(f"MariaDB: cannot initialise a data folder: {(made.stderr or made.stdout)[-500:]}")
            fresh.rename(template)
    return template


def _copy(template: Path, data: Path) -> None:
    shutil.copytree(template, data)


def _socket(directory: Path) -> Path:
    """A socket's path has at most 107 bytes; pytest's folders can be longer."""
    path = directory / "db.sock"
    return path if len(os.fsencode(path)) <= 100 else Path("/tmp") / f"xunshi-{secrets.token_hex(6)}.sock"


def _as_root() -> list[str]:
    return ["--user=root"] if os.getuid() == 0 else []
