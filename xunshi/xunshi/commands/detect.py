"""`xunshi detect`: pictures on disk in, boxes out, no server needed. The reading is `inference_service.detect`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xunshi.commands.options import json_option, packs_option
from xunshi.places import WEIGHTS

if TYPE_CHECKING:
    from inference_service.detect import PictureFailed, PictureRead

#: Digits of what is printed: a hundredth of a pixel, a millionth of a score.
_BOX_DIGITS, _SCORE_DIGITS = 2, 6


@click.command()
@click.option("--model", default="mask", show_default=True, help="Model pack; `xunshi models list` names them.")
@click.option("--min-score", type=click.FloatRange(0.0, 1.0), help="Leave out boxes below this score.")
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="CPU threads.")
@packs_option
@json_option
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
def detect(
    *, model: str, min_score: float | None, threads: int, packs: Path, as_json: bool, paths: tuple[Path, ...]
) -> None:
    """Judge pictures: files, or folders with their subfolders. One line a picture, as soon as it is judged.

    With --json each line is {"image", "width", "height", "boxes": [{"label", "score", "box": [x0, y0, x1, y1]}]}, in
    pixels. A file that cannot be read is one line on stderr; the others go on, and the exit code is 1 at the end.
    """
    from inference_service import detect as reading

    files = list(reading.files_of(paths))
    for path in paths:
        if path.is_dir() and not any(path in file.parents for file in files):
            click.echo(f"xunshi: {path}: no pictures in this folder", err=True)
    results = reading.detect_paths(
        files, weights_dir=WEIGHTS, packs_dir=packs, model=model, min_score=min_score, threads=threads
    )
    failed = 0
    with _progress(len(files)) as progress:
        for result in results:
            if isinstance(result, reading.PictureFailed):
                failed += 1
                progress.note(f"xunshi: {_failure(result)}")
            else:
                click.echo(_as_json(result) if as_json else _as_text(result))
            progress.advance()
    if failed or not files:
        raise click.exceptions.Exit(1)


class _Quiet:
    """Where the results themselves fill the terminal, or there is none, they are the progress."""

    def advance(self) -> None:
        pass

    def note(self, text: str) -> None:
        click.echo(text, err=True)


@contextmanager
def _progress(total: int) -> Iterator[_Quiet]:
    """A bar on stderr while the results go elsewhere, into a file or a pipe."""
    if not sys.stderr.isatty() or sys.stdout.isatty() or total <= 1:
        yield _Quiet()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # without redirecting: rich would print the results on stderr, too
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False)
    with bar:
        task = bar.add_task("detect", total=total)

        class Bar(_Quiet):
            def advance(self) -> None:
                bar.advance(task)

            def note(self, text: str) -> None:
                bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

        yield Bar()


def _failure(result: PictureFailed) -> str:
    return f"{result.path}: {result.detail} ({result.code})"


def _as_json(result: PictureRead) -> str:
    boxes = [
        {
            "label": box.label,
            "score": round(box.score, _SCORE_DIGITS),
            "box": [round(side, _BOX_DIGITS) for side in box.box],
        }
        for box in result.boxes
    ]
    image = {"image": str(result.path), "width": result.width, "height": result.height, "boxes": boxes}
    return json.dumps(image, ensure_ascii=False)


def _as_text(result: PictureRead) -> str:
    boxes = (f"  {box.label} {box.score:.2f} ({', '.join(f'{side:.0f}' for side in box.box)})" for box in result.boxes)
    return f"{result.path} {result.width}x{result.height}" + "".join(boxes)
