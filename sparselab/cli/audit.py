"""`audit`: is a file what it claims to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sparselab.auditing import Audit, LayerAudit, audit_ticket, parse_claim
from sparselab.auditing.card import markdown_card, share_words
from sparselab.cli.file_options import file_options, open_file, say_notes, settings_of_reading
from sparselab.cli.output import print_document, print_table, printable
from sparselab.formats import ReadOptions
from sparselab.runtime.progress import Monitor, Progress

_HEAD = ("layer", "shape", "type", "density", "pattern", "by chance")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@file_options
@click.option(
    "--claim",
    metavar="PATTERN",
    help="What FILE is said to be, such as 2:4, 'exactly 2:4 out', 64:2:8, 16x16, rows, columns, heads, fan-in, none.",
)
@click.option(
    "--layers",
    "only",
    multiple=True,
    metavar="NAME",
    help="Audit these layers alone; * and ? as in file names. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--card", "as_card", is_flag=True, help="Print a card in Markdown, to paste.")
@click.pass_context
def audit(
    context: click.Context,
    file: Path,
    options: ReadOptions,
    claim: str | None,
    only: tuple[str, ...],
    as_json: bool,
    as_card: bool,
) -> None:
    """Say which patterns the zeros of FILE, a file or the folder of a model, fulfil: strictly, layer by layer and along each axis.

    N:M, V:N:M, blocks, whole rows, columns and heads, constant fan-in; beside each stands what chance would give. One layer at a
    time is in memory. The exit status is 0, 1 where a claim does not hold, 2 for trouble.
    """
    said = None if claim is None else parse_claim(claim)
    found = audit_ticket(open_file(file, options), said, only=only, monitor=Monitor(_say_progress))
    if as_json:
        document = {"file": str(file), **found.as_json()}
        print_document(
            document, "audit", file=file, seed=None, settings={**settings_of_reading(options), "layers": list(only)}
        )
    elif as_card:
        click.echo(markdown_card(found, file.name or str(file)), nl=False)
    else:
        _print(found)
    context.exit(1 if found.holds is False else 0)


_UNSTRUCTURED = (
    "unstructured: dense libraries multiply these zeros like any number; `sparselab doctor` measures whether running the kept weights "
    "alone is faster here, `sparselab compare` what a structure would keep"
)


def _print(found: Audit) -> None:
    claimed = found.claim is not None
    head = (*_HEAD, "claim") if claimed else _HEAD
    print_table(head, [_row(layer, claimed=claimed) for layer in found.layers])
    for what, counts in (
        ("zeros are -0", [layer.negative_zeros for layer in found.layers]),
        ("weights are denormal", [layer.denormals for layer in found.layers]),
    ):
        if total := sum(counts):
            click.echo(f"{total:,} {what}, in {sum(map(bool, counts))} of {len(counts)} layers")
    click.echo(printable(found.sentence))
    if (
        not claimed
        and any(0 < layer.density < 1 for layer in found.layers)
        and not any(layer.best for layer in found.layers)
    ):
        click.echo(_UNSTRUCTURED)
    skipped = [{"name": item.name, "reason": item.reason} for item in found.skipped]
    say_notes({"notes": list(found.notes), "skipped": skipped, "layers": []})


def _row(layer: LayerAudit, *, claimed: bool) -> list[Any]:
    best = layer.best or layer.nearest
    chance = None if best is None or best.share_by_chance is None else share_words(best.share_by_chance)
    row: list[Any] = [
        layer.name,
        " x ".join(map(str, layer.shape)),
        layer.dtype,
        layer.density,
        _pattern(layer),
        chance,
    ]
    return [*row, _claim_words(layer)] if claimed else row


def _pattern(layer: LayerAudit) -> str:
    near = layer.nearest
    if near is None or near.first_break is None:
        return layer.words
    return f"{layer.words}, first break at {list(near.first_break.index)}: {near.first_break.found}"


def _claim_words(layer: LayerAudit) -> str:
    if layer.claimed is None:
        return "not of this layer"
    if layer.claimed.holds or layer.claimed.first_break is None:
        return "holds" if layer.claimed.holds else "does not hold"
    at = layer.claimed.first_break
    where = f"at {list(at.index)}: " if at.index else ""
    return f"{share_words(1 - layer.claimed.share)} break it, first {where}{at.found}"


def _say_progress(progress: Progress) -> None:
    if progress.total > 1:
        click.echo(f"{progress.done + 1} of {progress.total}: {progress.stage}", err=True)
