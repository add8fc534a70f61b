"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from xunshi.places import DEFAULT_DATA

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DATA,
    show_default=True,
    envvar="XUNSHI_DATA",
    help="Data folder of the stack.",
)
packs_option = click.option(
    "--packs",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DATA / "packs",
    show_default=True,
    envvar="INFERENCE_PACKS_DIR",
    help="Folder with own model packs.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
