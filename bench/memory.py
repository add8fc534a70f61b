"""Memory of the whole stack with one camera that plays, shared pages counted once; then what face search adds.

Three looks: the camera alone; after somebody was enrolled and looked for; after an import. Each after a pause in which
buffers and caches settle. Networks and the client of the index are loaded by the first face, so only the second look
shows them everywhere.
"""

from __future__ import annotations

import io
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.figure import Figure
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import RtspServer
from xunshi import demo
from xunshi.places import DEMO_CLIPS, SAMPLES
from xunshi.stack import process
from xunshi.testing import ApiClient, RunningStack

#: Long enough for buffers and caches to have filled.
SETTLED_AFTER_S: Final = 60.0
PROMISED_MIB: Final = 1536.0
#: Looks for a face before memory is looked at; and how long one, or an import, may take on a busy machine.
SEARCHES: Final = 10
PATIENCE_S: Final = 120.0
_MIB: Final = 1024 * 1024


def figures() -> Iterator[Figure]:
    """The stack, and each of its parts as a share of it."""
    clip = demo.compose_short(SAMPLES, DEMO_CLIPS)
    with tempfile.TemporaryDirectory() as folder, RtspServer() as camera, RunningStack(Path(folder) / "data") as stack:
        client = stack.client()
        client.add_camera("bench", camera.mount("bench", clip.path))
        time.sleep(SETTLED_AFTER_S)
        yield from _look(stack, "stack memory")
        _search(client)
        time.sleep(SETTLED_AFTER_S)
        yield from _look(stack, "stack memory after searches")
        _import(client)
        time.sleep(SETTLED_AFTER_S)
        yield from _look(stack, "stack memory after an import")


def _look(stack: RunningStack, name: str) -> Iterator[Figure]:
    names = {part.pid: part.name for part in stack.state().parts if part.pid} | {stack.state().pid: "up"}
    used = process.memory_bytes(set(names))
    total = sum(used.values()) / _MIB
    yield Figure(name, total, PROMISED_MIB, "MiB")
    for pid, size in sorted(used.items(), key=lambda item: -item[1]):
        yield Figure(f"  of which {names[pid]}", size / _MIB, total, "MiB")


def _search(client: ApiClient) -> None:
    """Enrol one who is in the clip, and look for them."""
    portrait = (SAMPLES / "collins.png").read_bytes()
    somebody = {"name": "Collins", "note": "", "basis": "consent", "basis_detail": "bench"}
    person_id = client.post("/faces/persons", somebody)["person_id"]
    client.post_photo(f"/faces/persons/{person_id}/samples", portrait)
    for _ in range(SEARCHES):
        client.post_photo("/faces/search", portrait, purpose="bench", of="persons")


def _import(client: ApiClient) -> None:
    """Have everybody of the samples enrolled by the worker."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for picture in sorted(SAMPLES.glob("*.[jp][pn]g")):
            archive.write(picture, f"{picture.stem}/{picture.name}")
    started = client.post_file("/faces/imports", "archive", "bench.zip", packed.getvalue())
    path = f"/faces/imports/{started['import_id']}"
    wait_until(lambda: client.get(path)["state"] == "done", PATIENCE_S, "the import")
