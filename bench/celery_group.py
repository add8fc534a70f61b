"""The upload of the article: a Celery group over Redis, ten workers, a task a frame, states polled until all succeed.

Run by `bench.archive` with celery on the path: `python -m celery -A bench.celery_group worker` and
`python -m bench.celery_group COUNT…`, which prints the seconds that each group took.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from celery import Celery, group

from shared_kernel.archive import object_key
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now

WORKERS = 10
#: The article retries as often.
RETRIES = 30
#: The states are asked for so often; the article does it without a pause.
POLL_S = 0.002

app = Celery("bench", broker=os.environ.get("BENCH_REDIS", ""), backend=os.environ.get("BENCH_REDIS", ""))
app.conf.update(worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
_opened: dict[str, Blobs] = {}


@app.task(name="bench.upload", max_retries=RETRIES, autoretry_for=(Exception,))  # type: ignore[untyped-decorator]
def upload(path: str) -> str:
    """Store one frame; its key."""
    blobs = _opened.setdefault("here", Blobs.open(os.environ["BENCH_BLOBS"]))  # after the fork
    jpeg = Path(path).read_bytes()
    key = object_key(now(), jpeg)
    blobs.put(key, jpeg, content_type="image/jpeg")
    return key


def seconds(paths: list[str]) -> float:
    """From the call to the addresses of all frames in order."""
    began_s = time.perf_counter()
    result: Any = group(upload.s(path) for path in paths).apply_async()
    while not result.ready():
        time.sleep(POLL_S)
    keys = [one.result for one in result.results]
    took_s = time.perf_counter() - began_s
    if not result.successful() or len(set(keys)) != len(paths):
        raise RuntimeError(f"group: expected {len(paths)} keys, got {keys[:3]}")
    result.forget()
    return took_s


if __name__ == "__main__":
    frames = sorted(map(str, Path(os.environ["BENCH_FRAMES"]).glob("*.jpg")))
    seconds(frames[: 2 * WORKERS])  # every worker has its connection
    for text in sys.argv[1:]:
        print(seconds(frames[: int(text)]), flush=True)
