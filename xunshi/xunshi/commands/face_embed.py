"""`xunshi face embed`: pictures on disk in, vectors of faces out, no server needed. `face_search.read_faces` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xunshi.commands.options import json_option
from xunshi.places import WEIGHTS

if TYPE_CHECKING:
    from face_search.ports import FaceRead

#: Digits of what is printed: a hundredth of a pixel, a millionth of a score or of a number of a vector.
_BOX_DIGITS, _DIGITS = 2, 6


@click.command("embed")
@click.option("--model", default="", help="Own embedding model, by the name on its card; SFace when left out.")
@click.option(
    "--models",
    "models_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("face-models"),
    show_default=True,
    help="Folder with own embedding models, one folder a model.",
)
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="CPU threads.")
@json_option
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
def face_embed(*, model: str, models_dir: Path, threads: int, as_json: bool, paths: tuple[Path, ...]) -> None:
    """Make vectors of faces: files, or folders with their subfolders. One line a picture, as soon as it is read.

    With --json each line is {"image", "faces": [{"box": [x0, y0, x1, y1], "score", "quality", "embedding"}]}, the
    largest face first, in pixels; the cosine of two faces is the dot product of their embeddings. A file that cannot be
    read is one line on stderr; the others go on, and the exit code is 1 at the end.
    """
    from face_search.models.card import find_card
    from face_search.read_faces import open_reader
    from inference_service.detect import files_of
    from shared_kernel.vision.pictures import UnreadablePicture, read_file

    card, folder = find_card(model, models_dir)
    reader = open_reader(WEIGHTS, card=card, folder=folder, threads=threads)
    read = failed = 0
    for path in files_of(paths):
        try:
            faces = reader.read(read_file(path))
        except UnreadablePicture as error:
            failed += 1
            click.echo(f"xunshi: {path}: {error.detail} ({error.code})", err=True)
        except OSError as error:
            failed += 1
            click.echo(f"xunshi: {path}: {error.strerror or error} (unreadable_file)", err=True)
        else:
            read += 1
            click.echo(_as_json(path, faces) if as_json else _as_text(path, faces))
    if not read and not failed:
        click.echo("xunshi: no pictures in these folders", err=True)
    if failed or not read:
        raise click.exceptions.Exit(1)


def _as_json(path: Path, faces: list[FaceRead]) -> str:
    rows = [
        {
            "box": [round(side, _BOX_DIGITS) for side in face.box],
            "score": round(face.score, _DIGITS),
            "quality": round(face.quality.score, _DIGITS),
            "embedding": [round(number, _DIGITS) for number in face.vector.tolist()],
        }
        for face in faces
    ]
    return json.dumps({"image": str(path), "faces": rows}, ensure_ascii=False)


def _as_text(path: Path, faces: list[FaceRead]) -> str:
    words = (
        f"  face {face.score:.2f} quality {face.quality.score:.2f} {face.mask_state.value}"
        + (f" [{', '.join(face.quality.reasons)}]" if face.quality.reasons else "")
        + f" ({', '.join(f'{side:.0f}' for side in face.box)})"
        for face in faces
    )
    return f"{path}" + ("".join(words) or "  no face")
