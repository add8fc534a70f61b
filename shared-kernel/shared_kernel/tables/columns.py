"""What the table classes are made of: column types, the naming of keys, the options of a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    String,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from shared_kernel.clock import to_milliseconds

_ASCII: Final = {"charset": "ascii", "collation": "ascii_bin"}
MYSQL: Final = ("mysql", "mariadb")


class Utc(TypeDecorator[datetime]):
    """A moment: aware UTC in Python, DATETIME(3) without a zone in the database, rounded before it gets there."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in MYSQL:
            return dialect.type_descriptor(mysql.DATETIME(fsp=3))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else to_milliseconds(value).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC)


def ascii_text(length: int) -> String:
    """ASCII compared byte by byte: short keys, and no surprises from a collation."""
    return String(length).with_variant(mysql.VARCHAR(length, **_ASCII), *MYSQL)


ULID = CHAR(26).with_variant(mysql.CHAR(26, **_ASCII), *MYSQL)
HASH = LargeBinary(32).with_variant(mysql.BINARY(32), *MYSQL)
SERIAL = BigInteger().with_variant(Integer, "sqlite")

Ulid = Annotated[str, mapped_column(ULID)]
Hash = Annotated[bytes, mapped_column(HASH)]
Word = Annotated[str, mapped_column(ascii_text(32))]
Moment = Annotated[datetime, mapped_column(Utc)]
Fraction = Annotated[float, mapped_column(Double)]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


def table(comment: str, *, autoincrement: bool = False) -> dict[str, Any]:
    """Options of a table. Without AUTOINCREMENT, SQLite would give the ids of deleted rows again."""
    return {
        "comment": comment,
        "mysql_engine": "InnoDB",
        "mysql_charset": "utf8mb4",
        "mysql_collate": "utf8mb4_unicode_ci",
        **({"sqlite_autoincrement": True} if autoincrement else {}),
    }


def one_of(column: str, *words: str, name: str | None = None) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=name or column)
