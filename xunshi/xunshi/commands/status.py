"""`xunshi status`: what runs, how it is, where it listens."""

from __future__ import annotations

import json
from pathlib import Path

import click

from xunshi.commands.options import data_option, json_option
from xunshi.stack import process
from xunshi.stack.folder import DataFolder, StackState
from xunshi.stack.problem import StackProblem
from xunshi.words import choose

_MIB = 1024 * 1024


@click.command()
@data_option
@json_option
def status(data: Path, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Show what runs, how it is, and where it listens. Exit code 1 when nothing runs or a part is not ready."""
    folder = DataFolder.at(data)
    state = folder.state() if folder.is_locked() else None
    if state is None:
        raise StackProblem(
            choose(
                f"data folder {folder.path}: nothing runs on it; start with `xunshi up`",
                f"数据目录 {folder.path}：没有正在运行的巡视；请用 `xunshi up` 启动",
            )
        )
    memory = process.memory_bytes({part.pid for part in state.parts if part.pid} | {state.pid})
    if as_json:
        for part in state.parts:
            click.echo(json.dumps({**part.model_dump(), "memory_bytes": memory.get(part.pid or 0, 0)}))
    else:
        _show(state, memory)
    if any(part.state not in ("ready", "done") for part in state.parts):
        raise click.exceptions.Exit(1)


def _show(state: StackState, memory: dict[int, int]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("part", "state", "pid", "restarts", "memory", "address"):
        table.add_column(title, justify="right" if title in ("pid", "restarts", "memory") else "left")
    for part in state.parts:
        used = memory.get(part.pid or 0, 0)
        table.add_row(
            part.name,
            part.state,
            str(part.pid or ""),
            str(part.restarts),
            f"{used / _MIB:.0f} MiB" if used else "",
            part.address,
        )
    console = Console()
    console.print(f"{state.address}   (process {state.pid}, since {state.started_at})", highlight=False)
    console.print(table, highlight=False)
    console.print(f"{sum(memory.values()) / _MIB:.0f} MiB", highlight=False)
