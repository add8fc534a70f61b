"""`xunshi index`: is the index of faces like the database, and what makes it so again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xunshi.commands.options import data_option, json_option
from xunshi.words import choose

if TYPE_CHECKING:
    from face_search.index_commands import IndexDesk

_model_option = click.option("--model", help="Embedding model.  [default: all that have vectors]")


@click.group()
def index() -> None:
    """Index of faces: verify, rebuild, retire. The database is the truth, the index a cache of it."""


@index.command()
@_model_option
@json_option
@data_option
def verify(model: str | None, as_json: bool, data: Path) -> None:  # noqa: FBT001 - click passes flags so
    """Compare the index with the database. Exit code 1 when they differ; the running stack heals that by itself."""
    found = _desk(data).verify(model)
    for name, one in found.items():
        row = {"rows": one.rows, "entries": one.entries, "missing": len(one.missing)}
        row |= {"strange": len(one.strange), "waiting": one.waiting}
        if as_json:
            click.echo(json.dumps({"model": name, **row}))
        else:
            click.echo(f"{name:24} " + "  ".join(f"{word} {number}" for word, number in row.items()))
    if not all(one.none for one in found.values()):
        raise click.exceptions.Exit(1)


@index.command()
@_model_option
@data_option
def rebuild(model: str | None, data: Path) -> None:
    """Put every vector into the index once more, while searches go on.

    With --model NAME a model that has no vectors yet gets them from the stored faces first; FACE_SEARCH_MODEL=NAME then
    makes it the one that answers.
    """
    desk, shown = _desk(data), ""

    def progress(done: int, total: int) -> None:
        nonlocal shown
        text = f"{done} / {total}" if total else choose(f"{done} embedded", f"已计算 {done}")
        if text != shown:
            shown = text
            click.echo(text, err=True)

    moved = desk.rebuild(model, progress)
    if desk.milvus_url is None:
        click.echo(choose("marked; it happens when the stack runs", "已标记；系统启动后执行"), err=True)
    click.echo(moved)


@index.command()
@click.argument("model")
@data_option
def retire(model: str, data: Path) -> None:
    """Have all vectors of a model go that no longer answers."""
    click.echo(_desk(data).retire(model))


def _desk(data: Path) -> IndexDesk:
    from face_search.index_commands import IndexDesk
    from xunshi.places import WEIGHTS
    from xunshi.stack.folder import DataFolder
    from xunshi.stack.records import Records

    records, folder = Records.of(data), DataFolder.at(data)
    return IndexDesk(records.database_url, folder.blobs_url, records.milvus_url, WEIGHTS, folder.face_models)
