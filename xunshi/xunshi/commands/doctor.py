"""`xunshi doctor`: what is wrong with a camera, or with this installation, in plain words and with what to do."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from unicodedata import east_asian_width

import click

from shared_kernel.examination import Examination, Line, StageFinding, Words
from xunshi.commands.options import data_option, json_option
from xunshi.stack.folder import DataFolder
from xunshi.words import chinese, choose

_MARKS: Final = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "failed": ("✗", "red"),
    "skipped": ("–", "bright_black"),
}
_NAME_COLUMNS: Final = 24
_FOUND_COLUMNS: Final = 36


@click.command()
@click.argument("camera", metavar="[NAME|ID|ADDRESS]", required=False)
@click.option(
    "--stream",
    type=click.Choice(["main", "detect"]),
    default="main",
    show_default=True,
    help="Which address of a camera that has a second stream.",
)
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), help="Write the first picture here, JPEG.")
@json_option
@data_option
def doctor(camera: str | None, stream: str, picture: Path | None, as_json: bool, data: Path) -> None:  # noqa: FBT001 - click passes flags so
    """Examine a camera stage by stage, or without one the whole installation.

    A camera: address, connection, login, description, first key frame, codec, size, rates, sound, clock, each with its
    time; the first that fails with its reason and what to do. An address (rtsp://…) is examined without being saved.
    Exit code 1 when something failed.
    """
    folder = DataFolder.at(data)
    well = (
        _installation(folder, as_json=as_json)
        if camera is None
        else _camera(folder, camera, stream, picture, as_json=as_json)
    )
    if not well:
        raise click.exceptions.Exit(1)


def _installation(folder: DataFolder, *, as_json: bool) -> bool:
    from xunshi.stack.checkup import check_installation

    well = True
    for finding in check_installation(folder):
        well = well and finding.status != "failed"
        click.echo(finding.model_dump_json(exclude_none=True)) if as_json else _show(finding)
    return well


def _camera(folder: DataFolder, which: str, stream: str, picture: Path | None, *, as_json: bool) -> bool:
    from miniprogram_api import commands
    from xunshi.stack.camera_doctor import examined

    url, masks = which, []
    if "://" not in which:
        found = commands.camera_address(folder.database_url, folder.secrets().url_key, which, stream)
        url, masks = found.url, found.privacy_masks
    report = _told(examined(folder, url, masks), as_json=as_json)
    if report is None:
        click.echo(choose("the examination broke off", "检查中断了"), err=True)
        return False
    if picture is not None and report.snapshot is not None:
        picture.write_bytes(base64.b64decode(report.snapshot.partition(",")[2]))
    if not as_json:
        _conclude(report, picture)
    return report.ok


def _told(lines: Iterator[Line], *, as_json: bool) -> Examination | None:
    """Print findings as they come; the report at the end."""
    for line in lines:
        if line.report is not None:
            if as_json:
                click.echo(line.model_dump_json(exclude_none=True))
            return line.report
        if line.finding is None:
            continue
        if as_json:
            click.echo(line.model_dump_json(exclude_none=True))
        elif line.finding.status == "running":
            _progress(line.finding)
        else:
            _show(line.finding)
    return None


def _progress(finding: StageFinding) -> None:
    """On a terminal only: the stage that is being waited for, until its own line comes."""
    if sys.stdout.isatty():
        click.echo(f"\r… {_said(finding.name)}", nl=False)


def _show(finding: StageFinding) -> None:
    mark, colour = _MARKS.get(finding.status, ("?", "white"))
    found = _said(finding.found) if finding.found else ""
    time = f"{finding.took_ms} ms" if finding.status != "skipped" else ""
    clear = "\r\033[K" if sys.stdout.isatty() else ""
    text = f"{_padded(_said(finding.name), _NAME_COLUMNS)} {_padded(found, _FOUND_COLUMNS)} {time:>9}"
    click.echo(f"{clear}{click.style(mark, fg=colour)} {text.rstrip()}")
    if finding.problem is not None:
        click.echo(f"    {click.style(_said(finding.problem), fg=colour)}")
    if finding.advice is not None:
        click.echo(f"    {choose('to do', '建议')}: {_said(finding.advice)}")


def _conclude(report: Examination, picture: Path | None) -> None:
    seconds = report.elapsed_ms / 1000
    if not report.ok:
        click.echo(
            choose(
                f"No picture after {seconds:.1f} s: {report.detail}", f"{seconds:.1f} 秒后仍没有画面：{report.detail}"
            )
        )
        return
    where = f" → {picture}" if picture else ""
    click.echo(
        choose(f"A picture after {seconds:.1f} s of looking{where}", f"有画面，检查用时 {seconds:.1f} 秒{where}")
    )


def _said(words: Words) -> str:
    return words.zh if chinese() else words.en


def _padded(text: str, columns: int) -> str:
    """`text` filled up to so many columns of a terminal; Chinese characters take two."""
    wide = sum(east_asian_width(char) in "WF" for char in text)
    return text + " " * max(0, columns - len(text) - wide)
