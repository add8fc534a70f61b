"""`xunshi bench`: what this machine does, with the programs of `bench/`."""

from __future__ import annotations

import subprocess
import sys

import click

from xunshi.places import ROOT

_BENCHES = ("latency", "memory", "cameras", "start")


@click.command()
@click.argument("name", type=click.Choice(_BENCHES))
@click.option(
    "--json", "as_json", is_flag=True, help='One JSON object a line: {"name","ours","baseline","ratio","unit"}.'
)
def bench(name: str, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Measure: ours, the baseline, the ratio, in one run. Needs what `make test` installs."""
    words = [sys.executable, "-m", "bench", name, *(["--json"] if as_json else [])]
    raise click.exceptions.Exit(subprocess.run(words, cwd=ROOT, check=False).returncode)
