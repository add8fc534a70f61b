"""The page of the command line: what `--help` says of every command."""

from __future__ import annotations

from collections.abc import Iterator

import click

from xunshi.commands import xunshi

_HEAD = """\
# Command line

Generated from `xunshi --help` by `make contracts`. Results go to stdout, logs to stderr. Exit codes: 0 well, 1 failed,
2 used wrongly, 130 interrupted.
"""
_WIDTH_CHARS = 100


def page() -> str:
    """The Markdown page."""
    root = click.Context(xunshi, info_name="xunshi", terminal_width=_WIDTH_CHARS, max_content_width=_WIDTH_CHARS)
    return "\n".join([_HEAD, *(f"## {path}\n\n```\n{text}\n```\n" for path, text in _helps(root))])


def _helps(context: click.Context) -> Iterator[tuple[str, str]]:
    yield context.command_path, context.get_help()
    group = context.command
    if isinstance(group, click.Group):
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is not None:
                below = click.Context(command, info_name=name, parent=context, terminal_width=_WIDTH_CHARS)
                yield from _helps(below)
