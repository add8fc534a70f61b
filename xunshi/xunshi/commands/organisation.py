"""`xunshi organisation`: add, list, rename, move, rm, place, roles, with or without a running stack."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xunshi.commands.options import data_option, json_option

if TYPE_CHECKING:
    from miniprogram_api.organisation_commands import OrganisationCommands


@click.group()
def organisation() -> None:
    """Organisations, a tree: add, list, rename, move, rm, place, roles.

    Users see and manage their own organisation and those below it. WHICH is a code or an id; the root's code is root.
    """


@organisation.command()
@click.argument("name")
@click.option("--code", help="Short name; made of its id when it is not given.")
@click.option("--in", "parent", metavar="WHICH", default="root", show_default=True, help="What it is part of.")
@data_option
def add(name: str, code: str | None, parent: str, data: Path) -> None:
    """Add an organisation; prints its code."""
    with _commands(data) as commands:
        click.echo(commands.add(name, code=code, parent=parent).code)


@organisation.command("list")
@json_option
@data_option
def list_organisations(as_json: bool, data: Path) -> None:  # noqa: FBT001 - click passes flags so
    """List organisations as a tree: code, name."""
    with _commands(data) as commands:
        for found in commands.all():
            indented = "  " * found.depth + found.code
            click.echo(json.dumps(asdict(found), ensure_ascii=False) if as_json else f"{indented:32} {found.name}")


@organisation.command()
@click.argument("which")
@click.argument("name")
@data_option
def rename(which: str, name: str, data: Path) -> None:
    """Give an organisation another name."""
    with _commands(data) as commands:
        commands.rename(which, name)


@organisation.command()
@click.argument("which")
@click.argument("parent")
@data_option
def move(which: str, parent: str, data: Path) -> None:
    """Put an organisation, with all below it, below another one."""
    with _commands(data) as commands:
        commands.move(which, parent)


@organisation.command()
@click.argument("which")
@data_option
def rm(which: str, data: Path) -> None:
    """Remove an empty organisation."""
    with _commands(data) as commands:
        commands.remove(which)


@organisation.command()
@click.argument("username")
@click.argument("which")
@data_option
def place(username: str, which: str, data: Path) -> None:
    """Move a user to an organisation."""
    with _commands(data) as commands:
        commands.place(username, which)


@organisation.command()
@json_option
@data_option
def roles(as_json: bool, data: Path) -> None:  # noqa: FBT001 - click passes flags so
    """List roles: code, name, rank, how far the map reaches in metres."""
    with _commands(data) as commands:
        for one in commands.roles():
            line = f"{one.code:24} {one.name:20} {one.rank:4} {one.patrol_radius_m:8}"
            click.echo(json.dumps(asdict(one), ensure_ascii=False) if as_json else line)


@contextlib.contextmanager
def _commands(data: Path) -> Iterator[OrganisationCommands]:
    from miniprogram_api.organisation_commands import OrganisationCommands
    from xunshi.stack.records import Records

    commands = OrganisationCommands(Records.of(data).database_url)
    try:
        yield commands
    finally:
        commands.close()
