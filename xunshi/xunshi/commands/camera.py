"""`xunshi camera`: add, list, remove, with or without a running stack."""

from __future__ import annotations

import json
from pathlib import Path

import click

from xunshi.commands.options import data_option, json_option


@click.group()
def camera() -> None:
    """Cameras: add, list, rm."""


@camera.command()
@click.argument("name")
@click.argument("url")
@click.option("--lon", type=click.FloatRange(-180, 180), help="Longitude, degrees, WGS-84.")
@click.option("--lat", type=click.FloatRange(-90, 90), help="Latitude, degrees, WGS-84.")
@click.option("--model", help="Which analysis runs on its frames.  [default: mask]")
@data_option
def add(  # noqa: PLR0917 - click passes by name
    name: str, url: str, lon: float | None, lat: float | None, model: str | None, data: Path
) -> None:
    """Add a camera: a NAME for people and its address, rtsp://user:password@host/path for example.

    Prints the new camera's id. The first own camera switches the demo camera off.
    """
    from miniprogram_api import commands
    from xunshi.stack.records import Records

    records = Records.of(data)
    added = commands.add_camera_by_command(
        records.database_url,
        records.url_key,
        name,
        url,
        lon=lon,
        lat=lat,
        model=model,
        redis_url=records.redis_url,
    )
    click.echo(added.camera_id)


@camera.command("list")
@json_option
@data_option
def list_cameras(as_json: bool, data: Path) -> None:  # noqa: FBT001 - click passes flags so
    """List cameras: id, state, reason, name and address without credentials."""
    from miniprogram_api import commands
    from xunshi.stack.records import Records

    for found in commands.list_cameras(Records.of(data).database_url):
        if as_json:
            click.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False))
        else:
            state = f"{found.state} {found.state_reason or ''}".strip()
            click.echo(f"{found.camera_id}  {state:22} {found.name}  {found.address or ''}")


@camera.command()
@click.argument("camera", metavar="NAME|ID")
@data_option
def rm(camera: str, data: Path) -> None:
    """Remove a camera; its passes and pictures stay until their time is over."""
    from miniprogram_api import commands
    from xunshi.stack.records import Records

    records = Records.of(data)
    removed = commands.remove_camera_by_command(records.database_url, camera, redis_url=records.redis_url)
    click.echo(removed.camera_id)
