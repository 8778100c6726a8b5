"""How far a sweep is, in words."""

from __future__ import annotations

import sys
import time

import click

from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.standing import Standing


class Printer:
    """Says on standard error how far a sweep is: in one line of a terminal, or a line every ten seconds; and once what it waits for."""

    def __init__(self) -> None:
        self.standing = Standing(0, 0, 0)
        self._said = float("-inf")
        self._is_open = False
        self._in_place = sys.stderr.isatty()

    def __call__(self, standing: Standing) -> None:
        before, self.standing = self.standing, standing
        if standing.waits:
            if standing.waits != before.waits:
                self.end()
                click.echo(standing.waits, err=True)
            return
        now = time.monotonic()
        if now - self._said < (0.2 if self._in_place else 10.0) and standing.left:
            return
        self._said = now
        text = in_words(standing)
        click.echo(f"\r\x1b[K{text}" if self._in_place else text, err=True, nl=not self._in_place)
        self._is_open = self._in_place

    def end(self) -> None:
        if self._is_open:
            click.echo(err=True)
            self._is_open = False


def at_the_end(standing: Standing) -> str:
    """Return what a sweep has come to.

    Example: >>> at_the_end(Standing(36, 12, 40))
             '24 of 40 points have a result, 12 failed, 4 are left'
    """
    origins = f" ({standing.origins})" if str(standing.origins) else ""
    waits = f"; waits: {standing.waits}" if standing.waits else ""
    if not standing.failed:
        return f"{in_words(standing)}{origins}{waits}"
    left = f", {standing.left} are left" if standing.left else ""
    told = (
        f"{standing.done - standing.failed} of {standing.total} points have a result{origins}, {standing.failed} failed"
    )
    return f"{told}{left}{waits}"


def in_words(standing: Standing) -> str:
    """Return how far it is, and how long still.

    Example: >>> in_words(Standing(3, 1, 9, 180.0))
             '3 of 9 points done, 1 without a result, about 3 min left'
    """
    failed = f", {standing.failed} without a result" if standing.failed else ""
    left = "" if not standing.left or standing.seconds_left is None else f", about {_time(standing.seconds_left)} left"
    return f"{standing.done} of {standing.total} points done{failed}{left}"


def _time(seconds: float) -> str:
    minutes = seconds / 60
    return f"{seconds:.0f} s" if seconds < 90 else f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def say_failures(folder: SweepFolder) -> None:
    """Say on standard error why points have no result, the same reason once."""
    reasons: dict[str, int] = {}
    for _, told in folder.read():
        if "result" not in told:
            text = str(told.get("error", told.get("failure")))
            reasons[text] = reasons.get(text, 0) + 1
    for text, count in list(reasons.items())[:5]:
        click.echo(f"{count} without a result: {text}", err=True)
    if len(reasons) > 5:
        click.echo(f"{len(reasons) - 5} more reasons: --collect lists them", err=True)
