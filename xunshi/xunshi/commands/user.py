"""`xunshi user`: add, list, role, status, password, with or without a running stack."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import click

from xunshi.commands.options import data_option, json_option
from xunshi.words import choose


class _RoleCode(click.ParamType[str]):
    """The code of a role; which there are is known to the database only."""

    name = "code"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]{1,31}", value):
            self.fail(f"expected the code of a role, such as guard, got {value!r}", param, ctx)
        return value


@click.group()
def user() -> None:
    """Users: add, list, role, status, password.

    administrator does everything, officer sees all cameras of the organisation, guard sees the cameras granted to
    him. `xunshi organisation roles` lists all roles.
    """


@user.command()
@click.argument("username")
@click.option("--role", type=_RoleCode(), default="guard", show_default=True)
@click.option("--organisation", metavar="WHICH", default="root", show_default=True, help="Code or id.")
@data_option
def add(username: str, role: str, organisation: str, data: Path) -> None:
    """Add a user; prints a one-time password, which is shown only now."""
    from miniprogram_api import commands
    from xunshi.stack.records import Records

    added = commands.add_user(Records.of(data).database_url, username, role, organisation)
    _show_password(added.username, added.one_time_password)


@user.command("list")
@json_option
@data_option
def list_users(as_json: bool, data: Path) -> None:  # noqa: FBT001 - click passes flags so
    """List users: name, role, status, code of the organisation."""
    from miniprogram_api import commands
    from xunshi.stack.records import Records

    for found in commands.list_users(Records.of(data).database_url):
        if as_json:
            click.echo(json.dumps(asdict(found), ensure_ascii=False))
        else:
            click.echo(f"{found.username:24} {found.role:22} {found.status:8} {found.organisation}")


@user.command()
@click.argument("username")
@click.argument("role", type=_RoleCode())
@data_option
def role(username: str, role: str, data: Path) -> None:
    """Give a user another role; it counts at once."""
    from miniprogram_api import commands
    from xunshi.stack.records import Records

    commands.change_role(Records.of(data).database_url, username, role)


@user.command()
@click.argument("username")
@click.argument("status", type=click.Choice(["active", "disabled"]))
@data_option
def status(username: str, status: str, data: Path) -> None:
    """Disable a user, which ends all logins, or let one in again."""
    from miniprogram_api import commands
    from xunshi.stack.records import Records

    commands.change_status(Records.of(data).database_url, username, status)


@user.command()
@click.argument("username")
@data_option
def password(username: str, data: Path) -> None:
    """Give a user a new one-time password, for the forgotten one; all logins end."""
    from miniprogram_api import commands
    from xunshi.stack.records import Records

    reset = commands.reset_password(Records.of(data).database_url, username)
    _show_password(reset.username, reset.one_time_password)


def _show_password(username: str, one_time: str) -> None:
    click.echo(one_time)
    click.echo(
        choose(
            f"one-time password of {username}; to be changed at the first login",
            f"{username} 的一次性密码；首次登录后需修改",
        ),
        err=True,
    )
