"""`xunshi face`: what the command line does with faces. A module a command."""

from __future__ import annotations

import click

from xunshi.commands.face_embed import face_embed
from xunshi.commands.face_import import face_import


@click.group()
def face() -> None:
    """Faces: vectors of pictures, and many people imported at once."""


face.add_command(face_embed)
face.add_command(face_import)
