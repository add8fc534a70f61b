"""Migrations run, and the schema as MySQL sees it. Two processes that start together do not clash: one waits.

Migration etiquette: a migration stands alone (it imports no table classes), is reversible, and passes on MariaDB before
it counts; what passes on SQLite proves nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable

from shared_kernel.database import make_engine, translated
from shared_kernel.errors import Unavailable
from shared_kernel.tables import Base

#: How long the second of two starters waits for the first, seconds.
LOCK_WAIT_S: Final = 60
_FOLDER: Final = Path(__file__).resolve().parents[3] / "sql" / "migrations"
_HEADER: Final = """\
-- The schema as MySQL and MariaDB get it. Generated from shared_kernel/tables by `make contracts`; do not edit.
-- One service writes each table: miniprogram-api. Ids are ULIDs, times are UTC in milliseconds.
"""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to `revision`.

    Raises:
        Unavailable: the database is away, or another starter holds the lock for too long.
    """
    with _connected(url) as connection:
        command.upgrade(_configured(connection), revision)


def downgrade(url: str, revision: str = "base") -> None:
    """Take migrations back."""
    with _connected(url) as connection:
        command.downgrade(_configured(connection), revision)


def differences(url: str) -> list[Any]:
    """What `alembic check` would find: how the database differs from the table classes."""
    with _connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def schema_sql() -> str:
    """`sql/schema.sql`: the DDL for MySQL, with a comment on every table and column."""
    dialect = mysql.dialect()
    parts = [_HEADER]
    for table in Base.metadata.sorted_tables:
        lines = str(CreateTable(table).compile(dialect=dialect)).strip().splitlines()
        ddl = "\n".join(line.replace("\t", "  ").rstrip() for line in lines)
        parts.append(f"{ddl};".replace("\n)ENGINE", "\n) ENGINE"))
        parts += [f"{CreateIndex(index).compile(dialect=dialect)};" for index in sorted(table.indexes, key=_name)]
        parts.append("")
    return "\n".join(parts)


def _name(index: Any) -> str:
    return str(index.name)


def _configured(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextlib.contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """A connection of our own, alone with the database's schema."""
    engine = make_engine(url)
    try:
        with translated(), _alone(url):
            if engine.dialect.name == "sqlite":
                plain = create_engine(url)  # the driver's own transactions: DDL and Alembic want them
                with plain.connect() as connection:
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # kept in the file; needs it alone
                    yield connection
                    connection.commit()
                plain.dispose()
            else:
                with engine.connect() as connection:
                    _lock(connection)
                    yield connection
    finally:
        engine.dispose()


@contextlib.contextmanager
def _alone(url: str) -> Iterator[None]:
    """SQLite: a lock file beside the database. It stays; removing it would be a race."""
    prefix = "sqlite:///"
    if not url.startswith(prefix):
        yield
        return
    path = Path(url.removeprefix(prefix))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock(connection: Connection) -> None:
    """MySQL: a named lock that ends with the connection."""
    name = connection.scalar(text("SELECT CONCAT('xunshi.migrate.', DATABASE())"))
    got = connection.scalar(text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": LOCK_WAIT_S})
    connection.commit()
    if got != 1:
        raise Unavailable("database", f"another process has been migrating for {LOCK_WAIT_S} s")
