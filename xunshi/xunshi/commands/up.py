"""`xunshi up`: everything on this machine, in the foreground."""

from __future__ import annotations

from pathlib import Path

import click

from shared_kernel import log
from xunshi.commands.options import data_option
from xunshi.places import DEFAULT_PORT

#: Each takes about 200 MB and, under load, a core.
MAX_WORKERS = 64


@click.command()
@data_option
@click.option(
    "--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True, help="Port of the page."
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for the whole network."
)
@click.option(
    "--workers", type=click.IntRange(1, MAX_WORKERS), default=1, show_default=True, help="Processes that analyse."
)
@click.option("--no-demo", is_flag=True, help="No demo camera.")
def up(data: Path, port: int, host: str, workers: int, no_demo: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Start everything on this machine; Ctrl-C stops it.

    Prints the address, on the first start a one-time administrator password, and how to add a camera.
    """
    from xunshi.stack import one_machine

    log.configure("xunshi", "WARNING")
    options = one_machine.Options(data=data, host=host, port=port, demo=not no_demo, workers=workers)
    one_machine.run(options)
