from __future__ import annotations

from pathlib import Path

import pytest

from xunshi.stack import parts
from xunshi.stack.folder import DataFolder, Secrets


def a_folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder.at(tmp_path / "data")
    folder.make()
    return folder


def some_ports(*, workers: int = 1, streams: int = 1) -> parts.Ports:
    replicas = tuple(range(2001, 2001 + workers)), tuple(range(3001, 3001 + streams))
    return parts.Ports(1001, 1002, 1003, 1004, 1005, 1006, 1007, *replicas)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_worker_has_a_name_and_a_port_of_its_own(tmp_path: Path, count: int) -> None:
    folder, ports = a_folder(tmp_path), some_ports(workers=count)
    listed = parts.one_machine(folder, Secrets.new(), ports, "127.0.0.1:8080", demo=False)
    workers = [part for part in listed if part.name.startswith("infer-worker")]
    assert [part.name for part in workers] == ["infer-worker", *(f"infer-worker-{n}" for n in range(2, count + 1))]
    assert [part.env["INFERENCE_PORT"] for part in workers] == [str(port) for port in ports.workers]
    assert len({part.name for part in listed}) == len(listed)


@pytest.mark.parametrize("count", [1, 3])
def test_every_replica_of_the_stream_service_has_a_name_a_port_and_a_spool(tmp_path: Path, count: int) -> None:
    folder, ports = a_folder(tmp_path), some_ports(streams=count)
    listed = parts.one_machine(folder, Secrets.new(), ports, "127.0.0.1:8080", demo=False, streams=count)
    streams = [part for part in listed if part.name.startswith("stream")]
    assert [part.name for part in streams] == ["stream", *(f"stream-{n}" for n in range(2, count + 1))]
    for name in ("STREAM_PORT", "STREAM_OWNER", "STREAM_SPOOL_DIR"):
        assert len({part.env[name] for part in streams}) == count
    api = next(part for part in listed if part.name == "api")
    assert api.env["MINIPROGRAM_STREAM_URL"].count("http://") == count


def test_a_spool_of_more_replicas_than_are_wanted_is_sent_by_one_that_takes_no_cameras(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    assert folder.spools_in_use() == 1
    (folder.spool(2) / "queue").mkdir(parents=True)
    (folder.spool(2) / "lock").touch()
    assert folder.spools_in_use() == 1
    (folder.spool(2) / "queue" / "000000000001-pass-opened").touch()
    assert folder.spools_in_use() == 2
    ports = some_ports(streams=folder.spools_in_use())
    listed = parts.one_machine(folder, Secrets.new(), ports, "127.0.0.1:8080", demo=False, streams=1)
    capacities = {part.name: part.env.get("STREAM_CAPACITY") for part in listed if part.name.startswith("stream")}
    assert capacities == {"stream": None, "stream-2": "0"}


def test_the_vector_index_listens_on_this_machine_only_and_holds_nothing_up(tmp_path: Path) -> None:
    folder, ports = a_folder(tmp_path), some_ports()
    listed = parts.one_machine(folder, Secrets.new(), ports, "127.0.0.1:8080", demo=False)
    index = next(part for part in listed if part.name == "milvus")
    words = dict(zip(index.argv[2::2], index.argv[3::2], strict=True))
    assert words == {"--data-dir": str(folder.path / "milvus"), "--host": "127.0.0.1", "--port": "1006"}
    assert not index.needed
    [faces] = [part for part in listed if part.name.startswith("faces")]
    assert (faces.argv[-1], faces.env["FACE_SEARCH_PORT"]) == ("all", "1007")
    assert faces.env["FACE_SEARCH_MILVUS_URL"] == "http://127.0.0.1:1006"
    assert not [part.name for part in listed if "milvus" in part.after]
