"""The command line: `sparselab`, or `python -m sparselab`."""

from __future__ import annotations

import sys

import click

from sparselab.cli.app import app
from sparselab.cli.audit import audit
from sparselab.cli.bench import bench
from sparselab.cli.compare import compare
from sparselab.cli.diff import diff
from sparselab.cli.inspect import inspect
from sparselab.cli.lesson import lesson
from sparselab.cli.output import printable
from sparselab.cli.setting_options import HELP_NAMES
from sparselab.cli.sweep import sweep
from sparselab.cli.train import train
from sparselab.cli.transform import transform
from sparselab.cli.tune import tune
from sparselab.core.errors import SparselabError
from sparselab.core.version import __version__


@click.group(context_settings={"help_option_names": HELP_NAMES})
@click.version_option(__version__)
def commands() -> None:
    """Show, measure and export the structure in unstructured pruning masks."""


for command in (app, inspect, audit, transform, compare, sweep, diff, bench, train, tune, lesson):
    commands.add_command(command)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit status: 0, 1 where `diff` found a difference or the claim of `audit` does not hold, or 2 with one line on standard error for a mistake the user can mend."""
    try:
        status: int | None = commands.main(arguments, prog_name="sparselab", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        return _fail(error.format_message())
    except (SparselabError, OSError) as error:
        return _fail(str(error))
    except click.Abort:
        click.echo("stopped", err=True)
        return 130
    return status or 0


def _fail(message: str) -> int:
    click.echo(printable("error: " + " ".join(message.split())), err=True)
    return 2


def run() -> None:
    """Entry point of `sparselab` and `python -m sparselab`."""
    sys.exit(main())
