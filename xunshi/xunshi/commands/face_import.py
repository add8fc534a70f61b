"""`xunshi face import`: everybody in a folder or ZIP is enrolled by the workers; a line for each file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xunshi.commands.options import data_option, json_option
from xunshi.words import choose

if TYPE_CHECKING:
    from face_search.commands import Progress

_BASES = click.Choice(["consent", "contract", "duty", "safety"])


@click.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--list", "lists", multiple=True, help="Code or name of a list to put everybody on; several times.")
@click.option("--basis", type=_BASES, default="consent", show_default=True, help="On what legal basis.")
@click.option("--basis-detail", default="", help="Such as where the signed consents lie.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="Last day; they are erased after it.")
@click.option("--accept-alike", is_flag=True, help="Enrol faces although somebody else has such a one.")
@json_option
@data_option
def face_import(  # noqa: PLR0917 - one argument an option
    path: Path,
    lists: tuple[str, ...],
    basis: str,
    basis_detail: str,
    expires: click.DateTime | None,
    accept_alike: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001 - click passes flags so
    data: Path,
) -> None:
    """Enrol everybody in a folder or ZIP: with a CSV, or a folder for each person."""
    from datetime import datetime, timedelta

    from face_search.commands import Desk
    from face_search.import_lines import Wanted
    from xunshi.stack.folder import DataFolder
    from xunshi.stack.records import Records

    records, folder = Records.of(data), DataFolder.at(data)
    end = expires + timedelta(days=1) if isinstance(expires, datetime) else None
    wanted = Wanted(
        basis=basis,
        basis_detail=basis_detail,
        expires_at=None if end is None else end.astimezone(),
        accept_alike=accept_alike,
    )
    desk = Desk(records.database_url, folder.blobs_url)
    import_id = desk.submit(path, wanted, lists)
    if records.redis_url is None:
        click.echo(choose("taken in; it begins when the stack runs", "已接收；系统启动后开始导入"), err=True)
        click.echo(import_id)
        return
    last = None
    for progress in desk.follow(import_id):
        last = progress
        _show(progress, as_json=as_json)
    assert last is not None  # noqa: S101 - an import that was handed in is there
    _sum_up(last)


def _show(progress: Progress, *, as_json: bool) -> None:
    for line in progress.lines:
        if as_json:
            click.echo(json.dumps(asdict(line), ensure_ascii=False))
        else:
            click.echo(f"{line.outcome:9} {line.file}" + (f"  ({line.reason}: {line.detail})" if line.reason else ""))


def _sum_up(last: Progress) -> None:
    if last.state != "done":
        raise click.ClickException(f"{last.state}: {last.detail or ''}".rstrip(": "))
    repeated = last.total - last.accepted - last.refused
    english = f"{last.accepted} enrolled, {repeated} were enrolled already, {last.refused} refused"
    click.echo(choose(english, f"录入 {last.accepted} 张，已有 {repeated} 张，未录入 {last.refused} 张"), err=True)
