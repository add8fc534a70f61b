from __future__ import annotations

from pathlib import Path

import pytest

from xunshi.stack import parts
from xunshi.stack.folder import DataFolder, Secrets


@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_worker_has_a_name_and_a_port_of_its_own(tmp_path: Path, count: int) -> None:
    folder = DataFolder.at(tmp_path / "data")
    folder.make()
    ports = parts.Ports(1001, 1002, 1003, 1004, 1005, 1006, tuple(range(2001, 2001 + count)))
    listed = parts.one_machine(folder, Secrets.new(), ports, "127.0.0.1:8080", demo=False)
    workers = [part for part in listed if part.name.startswith("infer-worker")]
    assert [part.name for part in workers] == ["infer-worker", *(f"infer-worker-{n}" for n in range(2, count + 1))]
    assert [part.env["INFERENCE_PORT"] for part in workers] == [str(port) for port in ports.workers]
    assert len({part.name for part in listed}) == len(listed)
