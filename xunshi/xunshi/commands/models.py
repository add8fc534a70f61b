"""`xunshi models`: model packs, and the networks and samples that are fetched by sha256, not kept in the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shared_kernel import artifacts
from shared_kernel.errors import ArtifactError
from xunshi.commands.options import json_option, packs_option
from xunshi.places import FACE_WEIGHTS_LIST, SAMPLES, SAMPLES_LIST, WEIGHTS, WEIGHTS_LIST

if TYPE_CHECKING:
    from inference_service.packs.card import Card

_KIB = 1024
#: Labels that are named in a line; of the others only the number.
_SHOWN_LABELS = 4


def _lists() -> list[tuple[list[artifacts.Artifact], Path]]:
    places = ((WEIGHTS_LIST, WEIGHTS), (FACE_WEIGHTS_LIST, WEIGHTS), (SAMPLES_LIST, SAMPLES))
    return [(list(artifacts.load(path)), folder) for path, folder in places if path.is_file()]


@click.group()
def models() -> None:
    """Model packs, and the files they need: list, check, fetch, verify.

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
@click.option("--files", is_flag=True, help="The files that are fetched: size, licence, whether they are there.")
@packs_option
@json_option
def list_models(files: bool, packs: Path, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """List the model packs: version, task, labels, whether they are ready, and if not, why."""
    if files:
        _list_files(as_json=as_json)
        return
    from inference_service.packs.shelf import Shelf

    for card in Shelf(packs, WEIGHTS).cards():
        click.echo(json.dumps(_row(card), ensure_ascii=False) if as_json else _line(card))


@models.command()
@packs_option
def verify(packs: Path) -> None:
    """Check every sum, and every manifest of a pack. Exit code 1 when a file is missing or wrong."""
    from inference_service.packs.shelf import Shelf

    wrong = [
        f"{problem.artifact.name}: {problem.detail}"
        for listed, folder in _lists()
        for problem in artifacts.verify(listed, folder)
    ]
    wrong += [f"pack {card.name}: {card.reason}" for card in Shelf(packs, WEIGHTS).cards() if card.state == "broken"]
    for text in wrong:
        click.echo(text, err=True)
    if wrong:
        raise ArtifactError(
            f"{len(wrong)} files or packs are not as listed; `xunshi models fetch` brings what is missing"
        )
    click.echo("all files and packs are there and right")


@models.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
def check(folder: Path, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Check one pack's folder: its model.yaml, its files, and a trial run. Says field by field what is wrong.

    The folder need not lie among the packs yet. Exit code 1 when the pack cannot be used.
    """
    from inference_service.bootstrap import open_card
    from inference_service.packs.card import read_card
    from inference_service.packs.shelf import trial

    card = read_card(folder.resolve(), WEIGHTS)
    if card.state != "ready":
        raise ArtifactError(f"pack {card.name}: {card.reason}")
    trial(card, open_card(card))
    click.echo(json.dumps(_row(card), ensure_ascii=False) if as_json else f"{_line(card)}  trial run passed")


def _row(card: Card) -> dict[str, object]:
    labels = [
        {"name": one.name, "zh": one.zh, "en": one.en, "colour": one.colour, "violation": one.violation}
        for one in card.labels
    ]
    return {
        "name": card.name,
        "version": card.version,
        "task": card.task,
        "default": card.default,
        "state": card.state,
        "reason": card.reason,
        "licence": card.manifest.licence if card.manifest else "",
        "folder": str(card.folder),
        "labels": labels,
    }


def _line(card: Card) -> str:
    names = ", ".join(label.name for label in card.labels[:_SHOWN_LABELS])
    more = len(card.labels) - _SHOWN_LABELS
    labels = f"{names} and {more} more" if more > 0 else names
    task = f"{card.task or '-'}{' (default)' if card.default else ''}"
    reason = f": {card.reason}" if card.reason else ""
    return f"{card.name:20} {card.version:8} {task:18} {card.state}{reason}  {labels}".rstrip()


def _list_files(*, as_json: bool) -> None:
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
