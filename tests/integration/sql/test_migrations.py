"""Migrations go up and down, the classes agree with what they make, and the written schema is what MySQL gets."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from miniprogram_api.adapters.migrations import differences, downgrade, schema_sql, upgrade
from shared_kernel.tables import ROOT_ORG_ID, Base

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


OLD_ROWS = (
    "INSERT INTO users (user_id, username, display_name, role, status, created_at) "
    "VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FA{n}', '{role}', 'x', '{role}', 'active', '2026-01-01 00:00:00')"
)
OLD_CAMERA = (
    "INSERT INTO cameras (camera_id, name, url_cipher, url_sha256, address, model, enabled, is_demo, state, state_at, "
    "heard_at, skipped_frames, created_at, updated_at) VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FC1', 'gate', 'x', :hash, 'h', "
    "'mask', 1, 0, 'online', :at, :at, 0, :at, :at)"
)
OLD_GRANT = (
    "INSERT INTO camera_grants (camera_id, user_id, granted_by, granted_at) VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FC1', "
    "'01ARZ3NDEKTSV4RRFFQ69G5FA2', '01ARZ3NDEKTSV4RRFFQ69G5FA0', :at)"
)
AT = "2026-01-01 00:00:00"
NEW_BRANCH = (
    "INSERT INTO organisations (org_id, parent_id, path, code, name, created_at, updated_at) "
    "VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FB1', :root, '/x/', 'north', 'North', :at, :at)"
)


def test_people_and_cameras_keep_their_place_and_rights(empty_url: str) -> None:
    """Up: all belong to the root. Down: who saw less than the whole sees only what was granted for good."""
    upgrade(empty_url, "0007")
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        for n, role in enumerate(("administrator", "officer", "guard")):
            connection.execute(text(OLD_ROWS.format(n=n, role=role)))
        connection.execute(text(OLD_CAMERA), {"hash": bytes(32), "at": AT})
        connection.execute(text(OLD_GRANT), {"at": AT})
    upgrade(empty_url)
    with engine.begin() as connection:
        assert {row[0] for row in connection.execute(text("SELECT org_id FROM users"))} == {ROOT_ORG_ID}
        assert connection.scalar(text("SELECT org_id FROM cameras")) == ROOT_ORG_ID
        assert connection.scalar(text("SELECT count(*) FROM camera_grants WHERE expires_at IS NULL")) == 1
        connection.execute(text(NEW_BRANCH), {"root": ROOT_ORG_ID, "at": AT})
        connection.execute(text("UPDATE users SET role = 'team_leader' WHERE username = 'guard'"))
        connection.execute(text("UPDATE users SET org_id = '01ARZ3NDEKTSV4RRFFQ69G5FB1' WHERE username = 'officer'"))
        connection.execute(text("UPDATE camera_grants SET expires_at = :at"), {"at": AT})
    downgrade(empty_url, "0007")
    with engine.connect() as connection:
        found = connection.execute(text("SELECT username, role FROM users ORDER BY username")).all()
        assert [tuple(row) for row in found] == [
            ("administrator", "administrator"),
            ("guard", "guard"),
            ("officer", "guard"),
        ]
        assert connection.scalar(text("SELECT count(*) FROM camera_grants")) == 0
    engine.dispose()
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
