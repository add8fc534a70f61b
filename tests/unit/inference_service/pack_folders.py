"""Folders as operators make them, for tests of packs."""

from __future__ import annotations

import hashlib
from pathlib import Path

#: Enough of an ONNX file for whoever only looks at its beginning.
NETWORK = b"\x08\x08" + b"network"


def write_pack(
    folder: Path,
    *,
    name: str = "helmet",
    version: str = "1",
    network: bytes = NETWORK,
    file: str = "best.onnx",
    extra: str = "",
    task: str = "detect",
    kind: str = "yolov8",
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(network)
    (folder / "model.yaml").write_text(
        f"""\
name: {name}
version: "{version}"
task: {task}
title: {{zh: 安全帽, en: Helmets}}
licence: own work
labels: [{{name: helmet}}]
input: {{width: 64, height: 64}}
decode: {{kind: {kind}}}
files: [{{path: {file}, sha256: {hashlib.sha256(network).hexdigest()}}}]
{extra}
""",
        encoding="utf-8",
    )
    return folder
