"""How the processes of all services serve HTTP and end: gunicorn for the web, a thread beside the work of a worker."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from werkzeug.serving import BaseWSGIServer, make_server

#: An app, and what ends its parts; that may be called more than once.
Served = tuple[Flask, Callable[[], None]]


def stop_signal() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def serve_beside(app: Flask, *, host: str, port: int) -> BaseWSGIServer:
    """Serve health and metrics in a thread: gunicorn would fork, and a worker's threads must live where its parts are.

    Its `shutdown` ends it; so does the end of the process.
    """
    server = make_server(host, port, app, threaded=True)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def _call_at_stop(on_stop: Callable[[], None]) -> None:
    """Call `on_stop` when the stop begins: gunicorn itself tells a worker only after it has waited for all streams."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        before = signal.getsignal(number)

        def handle(received: int, frame: FrameType | None, before: Any = before) -> None:
            threading.Thread(target=on_stop, name="on-stop").start()  # it may want a lock that this thread holds
            if callable(before):
                before(received, frame)

        signal.signal(number, handle)


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn without its command line."""

    def __init__(self, make: Callable[[], Flask], options: Mapping[str, object]) -> None:
        self._make = make
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._make()


def _leave_shared() -> None:
    """Have the garbage collector leave alone what is there before a fork: it writes into every object that it visits.

    Parent and child then go on sharing that memory (miniprogram-api: 124 instead of 150 MiB for both together).
    """
    gc.collect()
    gc.freeze()


def serve(
    make: Callable[[], Served],
    *,
    host: str,
    port: int,
    threads: int = 64,
    workers: int = 1,
) -> None:
    """Serve until SIGTERM or SIGINT; then stop within five seconds.

    Args:
        make: Called once in every worker process, after the fork: threads and connections begin there. What it gives
            to end them is called in the worker when the stop begins, before requests are waited for.
        host: Address to listen on.
        port: Port to listen on.
        threads: Every open stream (SSE, WebSocket) holds one: expected streams + 32.
        workers: Processes. Services that own cameras or fan out events use one.
    """
    started: list[Callable[[], None]] = []

    def load() -> Flask:
        app, end = make()
        started.append(end)
        return app

    def stop() -> None:
        for end in started:
            end()

    options: dict[str, object] = {
        "bind": f"{host}:{port}",
        "worker_class": "gthread",
        "workers": workers,
        "threads": threads,
        "worker_connections": max(1000, threads * 2),
        "graceful_timeout": 3,
        "timeout": 60,
        "pre_fork": lambda _server, _worker: _leave_shared(),
        "control_socket_disable": True,  # services of one user would steal each other's socket
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "post_worker_init": lambda _worker: _call_at_stop(stop),
        "worker_exit": lambda _server, _worker: stop(),
    }
    _Server(load, options).run()
