from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from miniprogram_api.adapters.migrations import upgrade
from shared_kernel.database import make_engine
from tests.emptying import as_migrated
from tests.integration.face_search.people import People
from tests.integration.face_search.world import World, settings

if TYPE_CHECKING:
    from shared_kernel.testing.mariadb import MariadbServer
    from shared_kernel.testing.valkey import RedisServer


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "xunshi.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """An empty migrated SQLite database."""
    path = tmp_path / "xunshi.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def migrated_mariadb(mariadb_server: MariadbServer) -> str:
    url = mariadb_server.make_database()
    upgrade(url)
    return url


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty migrated database: the same behaviour is asked of both kinds."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    url = str(request.getfixturevalue("migrated_mariadb"))
    engine = make_engine(url)
    with engine.begin() as connection:
        as_migrated(connection)
        connection.execute(text("TRUNCATE event_log"))
    engine.dispose()
    return url


@pytest.fixture
def world(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(settings(tmp_path, database_url, redis_url))
    yield made
    made.parts.close()


@pytest.fixture
def small_world(sqlite_url: str, redis_url: str, tmp_path: Path) -> Iterator[World]:
    """A world on SQLite only, for what has nothing to do with the kind of database."""
    made = World(settings(tmp_path, sqlite_url, redis_url))
    yield made
    made.parts.close()


@pytest.fixture
def people(world: World) -> People:
    """People who are enrolled and seen, in every kind of database."""
    return People(world)


@pytest.fixture
def few(small_world: World) -> People:
    """The same on SQLite only."""
    return People(small_world)


@pytest.fixture(scope="session")
def quiet_world(
    migrated_sqlite: Path, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A world for requests that leave nothing behind but the record of looks: one for all tests, because making one
    takes longer than asking it."""
    folder = tmp_path_factory.mktemp("quiet")
    (folder / "xunshi.db").write_bytes(migrated_sqlite.read_bytes())
    made = World(settings(folder, f"sqlite:///{folder}/xunshi.db", redis_server.url))
    yield made
    made.parts.close()
