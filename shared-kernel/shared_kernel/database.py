"""The database: engines, transactions, and its errors in our words. MySQL and MariaDB decide, SQLite is the twin.

`read()` and `write()` open one transaction and give the service's store, which has all its repositories; `run()` writes
and tries again when another writer came in between. On SQLite every writer begins with BEGIN IMMEDIATE, so that two
writers wait for each other instead of failing half-way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from shared_kernel.errors import Poison, Unavailable

T = TypeVar("T")
StoreT = TypeVar("StoreT")

#: How long a SQLite writer waits for another one before it gives up, milliseconds.
BUSY_TIMEOUT_MS: Final = 3000
#: How often `run` tries when another writer came in between.
_TRIES: Final = 4
_WRITES: Final = "xunshi_writes"
#: MySQL error numbers of a broken rule: no retry can help. Everything else operational may pass.
_MYSQL_RULE_BROKEN: Final = {1048, 1264, 1265, 1366, 1406, 3819, 4025}
_MYSQL_DUPLICATE: Final = 1062
_MYSQL_DEADLOCK: Final = 1213


class Interfered(Unavailable):
    """Another writer came in between: the same transaction, tried again, may well succeed."""


class Duplicate(Interfered):
    """A unique value exists already."""


class Database(Generic[StoreT]):
    """Opens transactions. Thread safe; connects on first use.

    Args:
        url: `sqlite:////folder/file.db` or `mysql+pymysql://user:password@host/name`.
        make_store: Gives the repositories of one transaction.
        after_commit: Called with the store after a commit; must not raise.
    """

    def __init__(
        self,
        url: str,
        make_store: Callable[[Session], StoreT],
        after_commit: Callable[[StoreT], None] = lambda _store: None,
    ) -> None:
        self.engine = make_engine(url)
        self._writer = self.engine.execution_options(**{_WRITES: True})
        self._make_store = make_store
        self._after_commit = after_commit

    def close(self) -> None:
        self.engine.dispose()

    def ping(self) -> None:
        """Raises: Unavailable: no answer, or no tables yet."""
        with translated(), self.engine.connect() as connection:
            connection.execute(text("SELECT version_num FROM alembic_version"))

    @contextlib.contextmanager
    def read(self) -> Iterator[StoreT]:
        """One transaction that changes nothing.

        Raises:
            Unavailable: the database is away.
        """
        with translated(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield self._make_store(session)

    @contextlib.contextmanager
    def write(self) -> Iterator[StoreT]:
        """One transaction; committed at the end, rolled back when the body raises.

        Raises:
            Unavailable: the database is away or locked.
            Poison: the database refuses the values.
        """
        with translated(), Session(self._writer, expire_on_commit=False) as session:
            with session.begin():
                store = self._make_store(session)
                yield store
            self._after_commit(store)

    def run(self, work: Callable[[StoreT], T]) -> T:
        """`work` in one transaction, again from the start when another writer interfered.

        Raises:
            Unavailable: the database is away, or was interfered with every time.
            Poison: the database refuses the values.
        """
        for tried in range(1, _TRIES + 1):
            try:
                with self.write() as store:
                    return work(store)
            except Duplicate as error:
                if tried == _TRIES:  # nobody interferes that often: the value itself is taken
                    raise Poison(error.reason) from error
            except Interfered:
                if tried == _TRIES:
                    raise
        raise AssertionError("unreachable")


def make_engine(url: str) -> Engine:
    """An engine with the settings that this project wants of each database."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        engine = create_engine(parts, pool_size=16, max_overflow=16, pool_timeout=5)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        parts,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_size=16,
        max_overflow=16,
        pool_timeout=5,
        connect_args={
            "connect_timeout": 3,
            "read_timeout": 10,
            "write_timeout": 10,
            "init_command": "SET time_zone = '+00:00', innodb_lock_wait_timeout = 5",
        },
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; `_begin_sqlite` does
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Database errors become ours. Their text never has the values, which may be secret."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("database", "all connections are in use") from error
    except IntegrityError as error:
        if _is_duplicate(error):
            raise Duplicate("database", f"another writer came first: {error.orig}") from error
        raise Poison(f"database refuses: {error.orig}") from error
    except DataError as error:
        raise Poison(f"database refuses: {error.orig}") from error
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        raise _operational(error) from error
    except (DBAPIError, StatementError) as error:
        raise Poison(f"database refuses: {error.orig}") from error


def _operational(error: DBAPIError) -> Unavailable | Poison:
    code = _code(error)
    if code == _MYSQL_DEADLOCK:
        return Interfered("database", str(error.orig))
    if code in _MYSQL_RULE_BROKEN:
        return Poison(f"database refuses: {error.orig}")
    return Unavailable("database", str(error.orig))


def _code(error: DBAPIError) -> int | None:
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def _is_duplicate(error: IntegrityError) -> bool:
    return _code(error) == _MYSQL_DUPLICATE or "UNIQUE constraint failed" in str(error.orig)
