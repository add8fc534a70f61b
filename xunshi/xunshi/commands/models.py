"""`xunshi models`: networks and samples that are fetched by sha256, not kept in the repository."""

from __future__ import annotations

import json
from pathlib import Path

import click

from shared_kernel import artifacts
from shared_kernel.errors import ArtifactError
from xunshi.commands.options import json_option
from xunshi.places import SAMPLES, SAMPLES_LIST, WEIGHTS, WEIGHTS_LIST

_KIB = 1024


def _lists() -> list[tuple[list[artifacts.Artifact], Path]]:
    places = ((WEIGHTS_LIST, WEIGHTS), (SAMPLES_LIST, SAMPLES))
    return [(list(artifacts.load(path)), folder) for path, folder in places if path.is_file()]


@click.group()
def models() -> None:
    """Networks and samples: fetch, list, verify.

    A file that was put into the folder by hand counts as fetched when its sum is right.
    """


@models.command()
def fetch() -> None:
    """Fetch what is missing; transfers resume, and only files with the right sum are kept."""
    import sys

    progress = artifacts.progress_on(sys.stderr)
    for listed, folder in _lists():
        for path in artifacts.fetch_all(listed, folder, progress):
            click.echo(path)


@models.command("list")
@json_option
def list_models(as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """List the files: size, licence, whether they are there."""
    for listed, folder in _lists():
        problems = {problem.artifact.name: problem.kind for problem in artifacts.verify(listed, folder)}
        for artifact in listed:
            state = problems.get(artifact.name, "there")
            path = folder / artifact.file
            if as_json:
                row = {"name": artifact.name, "file": str(path), "size": artifact.size, "licence": artifact.licence}
                click.echo(json.dumps({**row, "sha256": artifact.sha256, "state": state}))
            else:
                click.echo(
                    f"{artifact.name:28} {artifact.size / _KIB:8.0f} KiB  {state:8} {artifact.licence:12} {path}"
                )


@models.command()
def verify() -> None:
    """Check every sum. Exit code 1 when a file is missing or wrong."""
    problems = [problem for listed, folder in _lists() for problem in artifacts.verify(listed, folder)]
    for problem in problems:
        click.echo(f"{problem.artifact.name}: {problem.detail}", err=True)
    if problems:
        raise ArtifactError(f"{len(problems)} files are not as listed; `xunshi models fetch` brings what is missing")
    click.echo("all files are there and right")
