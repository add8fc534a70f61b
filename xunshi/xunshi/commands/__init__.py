"""The commands, one module a group. Heavy libraries are imported inside a command, so that `--help` is instant."""

from __future__ import annotations

import importlib

import click

#: Each command, the module below this package that defines it, and its place in the help.
_MODULES = {
    "up": "up",
    "status": "status",
    "doctor": "doctor",
    "detect": "detect",
    "camera": "camera",
    "user": "user",
    "organisation": "organisation",
    "face": "face",
    "index": "index",
    "models": "models",
    "bench": "bench",
}


class _LaterGroup(click.Group):
    """Imports a command's module when it is called, or when the help lists it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _MODULES:
            return None
        module = importlib.import_module(f"xunshi.commands.{_MODULES[cmd_name]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - a slip in the table above
        return command


@click.group(cls=_LaterGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="xunshi", message="xunshi %(version)s")
def xunshi() -> None:
    """Xunshi 巡视: cameras and phones as a safety patrol.

    `xunshi up` starts everything on this machine. Results are written to stdout, logs to stderr.
    """
