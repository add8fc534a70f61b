"""The `xunshi` command. Results on stdout, everything else on stderr; an error is one clear line and exit code 1."""

from __future__ import annotations

import sys

import click

from shared_kernel.errors import Refused, XunshiError
from xunshi.commands import xunshi

_INTERRUPTED = 130
_FAILED = 1


def main() -> None:
    """Run the command line; the exit code is 0 well, 1 failed, 2 used wrongly, 130 interrupted."""
    try:
        code = xunshi(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = _INTERRUPTED
    except Refused as error:
        click.echo(f"xunshi: {error.detail}", err=True)
        code = _FAILED
    except XunshiError as error:
        click.echo(f"xunshi: {error}", err=True)
        code = _FAILED
    except BrokenPipeError:  # `xunshi detect … | head`: the reader has enough
        sys.stderr.close()
        code = _FAILED
    sys.exit(code)


if __name__ == "__main__":
    main()
