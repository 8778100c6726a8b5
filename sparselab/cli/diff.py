"""`diff`: how much two files of masks have in common."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from sparselab.analysis.overlap import Overlap
from sparselab.cli.file_options import file_options, open_file, settings_of_reading
from sparselab.cli.output import envelope, print_document, print_table
from sparselab.core.ticket import Ticket
from sparselab.formats import ReadOptions
from sparselab.runtime.progress import Monitor, Progress
from sparselab.workflows.diff import diff as compare_masks

_STATUS = MappingProxyType({"same": 0, "different": 1, "unreadable": 2})
_HEAD = ("layer", "kept by A", "by B", "by both", "by chance", "overlap", "by chance")


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@file_options
@click.option(
    "--mask-b", type=click.Path(path_type=Path), help="As --mask, of B: --mask is the second file of A alone."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def diff(context: click.Context, a: Path, b: Path, options: ReadOptions, mask_b: Path | None, as_json: bool) -> None:
    """Compare the masks of two files, A and B, layer by layer: two seeds, two levels, the claimed and the shipped.

    Overlap is the Jaccard similarity, kept by both / kept by any; beside it stands what random masks of the same counts give. The
    exit status is 0 where all masks are the same, 1 where they differ, 2 for trouble.
    """
    options_b = replace(options, masks=None if mask_b is None else str(mask_b))
    tickets = open_file(a, options), open_file(b, options_b)
    found = compare_masks(*tickets, monitor=Monitor(_say_progress))
    notes = [
        *(f"{which}: {note}" for which, ticket in zip("AB", tickets, strict=True) for note in _notes(ticket)),
        *found.notes,
    ]
    if as_json:
        settings = {**settings_of_reading(options), "mask_b": options_b.masks}
        other = envelope("diff", file=b, seed=None, settings={})
        document = {**found.as_json(), "notes": notes, "other": {key: other[key] for key in ("file", "digest")}}
        print_document(document, "diff", file=a, seed=None, settings=settings)
    else:
        rows = [_row(name, each) for name, each in found.layers.items()]
        print_table(_HEAD, [*rows, *([] if found.total is None or len(rows) < 2 else [_row("total", found.total)])])
        for item in found.not_compared:
            click.echo(f"{item.name}: not compared: {item.reason}")
        click.echo(found.sentence)
        for note in notes:
            click.echo(f"note: {note}", err=True)
    context.exit(_STATUS[found.verdict])


def _notes(ticket: Ticket) -> list[str]:
    return list(ticket.meta.get("notes", ()))


def _row(name: str, found: Overlap) -> list[Any]:
    by_chance = f"{found.expected:.1f} ± {found.deviation:.1f}"
    return [name, found.kept_a, found.kept_b, found.both, by_chance, found.jaccard, found.chance_jaccard]


def _say_progress(progress: Progress) -> None:
    click.echo(f"{progress.done + 1} of {progress.total}: {progress.stage}", err=True)
