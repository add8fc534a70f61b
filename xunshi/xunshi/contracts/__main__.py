"""Write every generated document, or with `--check` only compare: exit code 1 and the names of those that differ."""

from __future__ import annotations

import click

from xunshi.contracts import command_line, http, messages, settings
from xunshi.places import ROOT


def documents() -> dict[str, str]:
    """Path below the repository's root → text, for every generated document."""
    from miniprogram_api.adapters.migrations import schema_sql

    return {
        **messages.documents(),
        **http.documents(),
        "sql/schema.sql": schema_sql(),
        "docs/reference/settings.md": settings.page(),
        "docs/reference/command-line.md": command_line.page(),
    }


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when a document differs from the code.")
def main(check: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Generate the contracts."""
    differing = []
    for name, text in documents().items():
        path = ROOT / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        differing.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in differing:
        click.echo(f"{'differs from the code' if check else 'written'}: {name}", err=True)
    if check and differing:
        click.echo("run `make contracts` and commit the result", err=True)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
