"""`inspect`: what is in a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from sparselab.cli.file_options import file_options, open_file, say_notes, settings_of_reading
from sparselab.cli.output import print_document, print_table, printable
from sparselab.core.layout import Layout
from sparselab.formats import ReadOptions, describe, read_blocks
from sparselab.formats.describe import COUNTED_BYTES, NOT_COUNTED
from sparselab.formats.limited import bounded, limits_of
from sparselab.formats.parsing.blocks import describe_blocks
from sparselab.runtime.progress import Monitor, Progress


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@file_options
@click.option(
    "--count", is_flag=True, help="Count the weights of every layer, however large FILE is, one layer at a time."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def inspect(file: Path, options: ReadOptions, count: bool, as_json: bool) -> None:
    """List the layers of FILE, a file or the folder of a model: their shapes, densities, and how they were read.

    Of large files the headers alone are read, and no weight is counted unless --count asks for it.
    """
    monitor = Monitor(_say_progress) if count else Monitor()
    found = describe(open_file(file, options), count=count or None, monitor=monitor)
    card: dict[str, Any] = {"file": str(file), **found}
    layout = bounded(partial(read_blocks, file), limits_of(file)) if card["format"] == "blocks" else None
    if layout is not None:
        card["layout"] = _layout(layout)
    if as_json:
        print_document(card, "inspect", file=file, seed=None, settings=settings_of_reading(options))
        return
    click.echo(
        f"{printable(card['file'])}: {card['format']}, {len(card['layers'])} layer{'s' * (len(card['layers']) != 1)}"
    )
    names = ("name", "shape", "density", "count", "has_weight", "conversion")
    rows = [[_shown(layer, name) for name in names] for layer in card["layers"]]
    print_table(("layer", "shape", "density", "weights kept", "has weights", "read as"), rows)
    if layout is not None:
        click.echo(describe_blocks(layout.blocks))
    say_notes(card)
    if any(layer["count"] is None for layer in card["layers"]):
        limit = f"{COUNTED_BYTES // 2**20} MiB as float32"
        click.echo(f"{NOT_COUNTED}: the layers take more than {limit}; --count reads and counts them all", err=True)


def _layout(layout: Layout) -> dict[str, Any]:
    """What a file of blocks holds: groups of rows, their sizes, the blocks, and the share of the weights that lie in them."""
    groups = {block.rows.tobytes(): int(block.rows.size) for block in layout.blocks}
    return {
        "groups": len(groups),
        "rows_per_group": sorted(set(groups.values())),
        "blocks": len(layout.blocks),
        "density": layout.after.density,
    }


def _shown(layer: dict[str, Any], name: str) -> Any:
    if name == "shape":
        return " x ".join(map(str, layer["shape"]))
    return layer[name]


def _say_progress(progress: Progress) -> None:
    click.echo(f"{progress.done + 1} of {progress.total}: {progress.stage}", err=True)
