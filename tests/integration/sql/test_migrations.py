"""Migrations go up and down, the classes agree with what they make, and the written schema is what MySQL gets."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from miniprogram_api.adapters.migrations import differences, downgrade, schema_sql, upgrade
from shared_kernel.tables import Base

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=["sqlite", "mariadb"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'folder' / 'new.db'}"
    return str(request.getfixturevalue("mariadb_url"))


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def test_up_down_and_up_again(empty_url: str) -> None:
    upgrade(empty_url)
    assert tables(empty_url) == {*Base.metadata.tables, "alembic_version"}
    upgrade(empty_url)
    downgrade(empty_url)
    assert tables(empty_url) == {"alembic_version"}
    upgrade(empty_url)
    assert differences(empty_url) == []


def test_a_difference_would_be_found(empty_url: str) -> None:
    upgrade(empty_url)
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE users ADD COLUMN surplus INTEGER"))
    engine.dispose()
    assert len(differences(empty_url)) == 1


def test_the_written_schema_is_up_to_date() -> None:
    assert (ROOT / "sql" / "schema.sql").read_text(encoding="utf-8") == schema_sql(), "run make contracts"


def test_the_written_schema_makes_the_same_tables(mariadb_url: str) -> None:
    engine = create_engine(mariadb_url)
    with engine.begin() as connection:
        for statement in schema_sql().split(";\n"):
            lines = [line for line in statement.splitlines() if not line.startswith("--")]
            if "".join(lines).strip():
                connection.execute(text("\n".join(lines).replace(":", r"\:")))
    engine.dispose()
    assert differences(mariadb_url) == []


def test_every_table_and_column_says_what_it_is() -> None:
    silent = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if not column.comment
    ]
    assert silent + [table.name for table in Base.metadata.tables.values() if not table.comment] == []


def test_grants_name_every_table() -> None:
    grants = (ROOT / "sql" / "grants.sql").read_text(encoding="utf-8")
    assert [name for name in Base.metadata.tables if f".{name} " not in grants] == []
