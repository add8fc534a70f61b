"""`xunshi bench`: what this machine does, with the programs of `bench/`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from xunshi.places import ROOT

_BENCHES = (
    "detect",
    "passes",
    "latency",
    "live_latency",
    "memory",
    "cameras",
    "faces",
    "archive",
    "start",
    "frames",
    "reconnects",
    "steady",
    "sustained",
)


@click.command()
@click.argument("name", type=click.Choice(_BENCHES))
@click.option(
    "--json", "as_json", is_flag=True, help='One JSON object a line: {"name","ours","baseline","ratio","unit"}.'
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="detect: measure on these, composed ones when left out. faces --part import: enrol these.",
)
@click.option("--threads", type=click.IntRange(1, 256), help="detect: CPU threads of both; 1 when left out.")
@click.option(
    "--precision", type=click.Choice(["f32", "bf16"]), help="detect: of both computations; f32 when left out."
)
@click.option(
    "--aizoo",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True),
    help="detect: AIZOO's network, the baseline; looked for, then fetched, when left out.",
)
@click.option("--part", help="faces: one part only; all that can be measured when left out.")
@click.option(
    "--pairs",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="faces: a folder with pairs.csv and its pictures; $XUNSHI_LFW when left out.",
)
@click.option("--count", type=click.IntRange(1, 20_000), help="faces --part import: pictures; 10,000 when left out.")
def bench(name: str, as_json: bool, **options: Path | int | str | None) -> None:  # noqa: FBT001 - click passes flags so
    """Measure: ours, the baseline, the ratio, in one run. Needs what `make test` installs.

    detect: from a picture file to the verdict, beside AIZOO's 260 px detector, in pictures a second: a ratio above 1
    is faster. The lines after it say what the networks alone take and where the time goes.
    """
    words = [sys.executable, "-m", "bench", name, *(["--json"] if as_json else [])]
    for option, value in options.items():
        if value is not None:
            words += [f"--{option}", str(value)]
    raise click.exceptions.Exit(subprocess.run(words, cwd=ROOT, check=False).returncode)
