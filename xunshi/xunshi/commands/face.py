"""`xunshi face`: what the command line does with faces. A module a command."""

from __future__ import annotations

import click

from xunshi.commands.face_import import face_import


@click.group()
def face() -> None:
    """Faces: import many at once."""


face.add_command(face_import)
