"""`xunshi up`: everything on this machine, in the foreground."""

from __future__ import annotations

from pathlib import Path

import click

from shared_kernel import log
from xunshi.commands.options import data_option
from xunshi.places import DEFAULT_PORT

#: Each takes about 200 MB and, under load, a core.
MAX_WORKERS = 64
#: Each takes about 150 MB before its first camera.
MAX_STREAMS = 16


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
@click.option(
    "--streams",
    type=click.IntRange(1, MAX_STREAMS),
    default=1,
    show_default=True,
    help="Processes that share the cameras; when one dies the others take over.",
)
@click.option("--no-demo", is_flag=True, help="No demo camera.")
def up(  # noqa: PLR0917 - click passes them by name
    data: Path,
    port: int,
    host: str,
    workers: int,
    streams: int,
    no_demo: bool,  # noqa: FBT001 - click passes flags so
) -> None:
    """Start everything on this machine; Ctrl-C stops it.

    Prints the address, on the first start a one-time administrator password, and how to add a camera.
    """
    from xunshi.stack import one_machine

    log.configure("xunshi", "WARNING")
    options = one_machine.Options(data=data, host=host, port=port, demo=not no_demo, workers=workers, streams=streams)
    one_machine.run(options)
