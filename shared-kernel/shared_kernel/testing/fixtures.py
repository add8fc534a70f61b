"""The parts as pytest fixtures. A test folder gets them by `pytest_plugins = ["shared_kernel.testing.fixtures"]`.

Servers are started once a session and emptied for each test; a test that kills a server starts its own, for example
`with RedisServer(tmp_path) as redis:`. Imports are inside the fixtures, so that unit tests pay for none of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared_kernel.testing.missing import PartMissing, cache_dir, skip_or_fail

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from shared_kernel.testing.mariadb import MariadbServer
    from shared_kernel.testing.milvus import MilvusServer
    from shared_kernel.testing.rtsp import RtspServer
    from shared_kernel.testing.s3 import S3Server
    from shared_kernel.testing.valkey import RedisServer


@pytest.fixture(scope="session")
def cache() -> Path:
    """Folder of what can be obtained again."""
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    from shared_kernel.testing.valkey import RedisServer

    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """Address of an empty Redis."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[MariadbServer]:
    from shared_kernel.testing.mariadb import MariadbServer

    try:
        server = MariadbServer(tmp_path_factory.mktemp("mariadb"), cache)
    except PartMissing as missing:
        skip_or_fail(str(missing))
    with server:
        yield server


@pytest.fixture
def mariadb_url(mariadb_server: MariadbServer) -> Iterator[str]:
    """SQLAlchemy address of an empty database, dropped after the test."""
    url = mariadb_server.make_database()
    yield url
    mariadb_server.drop_database(url)


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """A vector index that tests share: each takes models of its own names."""
    from shared_kernel.testing.milvus import MilvusServer

    with MilvusServer(tmp_path_factory.mktemp("milvus")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    from shared_kernel.testing.s3 import S3Server

    try:
        server = S3Server(tmp_path_factory.mktemp("s3"))
    except PartMissing as missing:
        skip_or_fail(str(missing))
    with server:
        yield server


@pytest.fixture
def s3_url(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """`s3://bucket?endpoint=…` of an empty bucket; its keys are in the environment during the test."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server.url(s3_server.make_bucket())


@pytest.fixture
def rtsp_server() -> Iterator[RtspServer]:
    """A camera server without cameras: `rtsp_server.mount("gate", clip)`."""
    from shared_kernel.testing.rtsp import RtspServer

    with RtspServer() as server:
        yield server


@pytest.fixture(scope="session")
def browser(cache: Path) -> Iterator[Browser]:
    from shared_kernel.testing.browser import running_browser

    with ExitStack() as stack:
        try:
            running = stack.enter_context(running_browser(cache))
        except PartMissing as missing:
            skip_or_fail(str(missing))
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser page with its own storage, 1440 × 900, zh-CN."""
    from shared_kernel.testing.browser import fresh_page

    with fresh_page(browser) as fresh:
        yield fresh
