"""`compare`: every transform at one budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import click

from sparselab.analysis.metrics import Report, labels, report
from sparselab.analysis.worth import BEST, KEPT, best_of, measure_of, worth_of
from sparselab.cli.file_options import file_options, open_file, say_layer_notes, settings_of_reading
from sparselab.cli.output import print_document, print_table
from sparselab.core.device import resolve_device
from sparselab.core.errors import FileError, SettingError, SparselabError
from sparselab.core.groups import separate_in_words
from sparselab.core.layer import Layer
from sparselab.core.ticket import Ticket
from sparselab.formats import ReadOptions
from sparselab.formats.limited import bounded, limits_of
from sparselab.transforms.contender import Contender
from sparselab.workflows.compare import block_file_layout, contenders, run_contender


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--layer", help="A layer's name; the largest if none is given.")
@click.option(
    "--density", type=float, help="Budget: weights in blocks / all weights; without it, as many as the mask keeps."
)
@click.option(
    "--blocks",
    type=click.Path(path_type=Path),
    help="A .block file: its layout of the layer takes part, and without --density its weights are the budget.",
)
@click.option("--only", metavar="NAME,...", help="Run only these contenders; a transform's name means all of its.")
@click.option("--skip", metavar="NAME,...", help="Leave these contenders out, or all of a transform.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Seed of every random choice.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@file_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def compare(
    file: Path,
    layer: str | None,
    density: float | None,
    blocks: Path | None,
    only: str | None,
    skip: str | None,
    seed: int,
    device: str,
    options: ReadOptions,
    as_json: bool,
) -> None:
    """Run every transform on one layer of FILE at one budget, and those without a budget at their own density.

    Standard error says which contender runs, under the name that --only and --skip take.
    """
    if density is not None and not 0.0 < density <= 1.0:
        raise SettingError(f"--density: expected a number above 0 and up to 1; got {density:g}")
    resolve_device(device)
    ticket = open_file(file, options)
    chosen, why = choose_layer(ticket, layer)
    rows = []
    budget_of = chosen.mask
    if blocks is not None:
        theirs, layout = bounded(partial(block_file_layout, chosen, blocks), limits_of(blocks))
        budget_of = layout.after
        rows.append((replace(theirs, at_budget=density is None), report(layout, chosen)))
    spend = budget_of.density if density is None else density
    chosen_contenders = _select(contenders(spend), only, skip)
    click.echo(f"layer {chosen.name}: {why}", err=True)
    found = next(entry for entry in ticket.entries if entry.name == chosen.name)
    separate = filter(None, [separate_in_words(chosen.groups, chosen.mask.rows)])
    say_layer_notes([(chosen.name, (*found.notes, *chosen.notes, *separate))], ticket.meta.get("notes", ()))
    for number, contender in enumerate(chosen_contenders, 1):
        click.echo(f"{number} of {len(chosen_contenders)}: {contender.name}", err=True)
        try:
            _, numbers = run_contender(chosen, contender, seed=seed, device=device)
        except SparselabError as error:
            click.echo(f"{contender.title}: {error}", err=True)
        else:
            rows.append((contender, numbers))
    if not rows:
        raise SettingError(
            f"expected a layer that some contender can run on; {chosen.name} suits none, for the reasons above"
        )
    best = _best(rows)
    if as_json:
        budget = {"density": spend, "count": round(spend * chosen.mask.kept.size)}
        settings = {
            "layer": chosen.name,
            "density": spend,
            "only": only,
            "skip": skip,
            "device": device,
            **settings_of_reading(options),
            "blocks": None if blocks is None else str(blocks),
        }
        told = {"measure": measure_of(best[0][1]), "names": [each.name for each, _ in best]} if best else None
        document = {"budget": budget, "best": told, "rows": [_row(contender, numbers) for contender, numbers in rows]}
        print_document(document, "compare", file=file, seed=seed, settings=settings)
        return
    names = ("density_after", "coverage", "energy", "block_density", "fill_in", "blocks")
    table = [
        [contender.title, "yes" if contender.at_budget else "own density", *(getattr(numbers, name) for name in names)]
        for contender, numbers in rows
    ]
    print_table(("contender", "at budget", *(labels()[name].lower() for name in names)), table)
    if best:
        first = best[0][1]
        kept = f"{100 * worth_of(first):.1f} % {KEPT[measure_of(first)]}"
        click.echo(f"best: {' and '.join(each.title for each, _ in best)}, {kept} ({BEST})", err=True)


def _best(rows: Sequence[tuple[Contender, Report]]) -> list[tuple[Contender, Report]]:
    """Return the best of those among whom it is sought on every page (`best_contenders`), all that are level."""
    racing = [row for row in rows if row[0].per_layer]
    return [racing[place] for place in best_of([numbers for _, numbers in racing])]


def _select(all_contenders: Sequence[Contender], only: str | None, skip: str | None) -> list[Contender]:
    """Return the contenders that --only names, or all, without those that --skip names. Raises: SettingError."""
    known = [contender.name for contender in all_contenders]
    wanted, unwanted = (_names(flag, text, all_contenders) for flag, text in (("--only", only), ("--skip", skip)))
    chosen = [
        contender
        for contender, name in zip(all_contenders, known, strict=True)
        if (only is None or name in wanted) and name not in unwanted
    ]
    if not chosen:
        raise SettingError(f"expected a contender that --skip does not leave out; got --skip {skip!r}")
    return chosen


def _names(flag: str, text: str | None, contenders: Sequence[Contender]) -> list[str]:
    """Return the contenders that an option names; the name of a transform that is none of theirs means all of its."""
    known = [contender.name for contender in contenders]
    found: list[str] = []
    for name in [] if text is None else [name.strip() for name in text.split(",")]:
        named = [name] if name in known else [each.name for each in contenders if each.transform == name]
        if not named:
            raise SettingError(f"{flag}: expected some of {', '.join(known)}; got {name!r}")
        found += named
    return found


def choose_layer(ticket: Ticket, name: str | None) -> tuple[Layer, str]:
    """Return the layer called `name`, or the largest that can be read, and why it was taken. Raises: FileError where none can."""
    if name is not None:
        return ticket[name], "as asked"
    failed: list[FileError] = []
    for entry in sorted(ticket.entries, key=lambda entry: -prod(entry.tensor_shape)):
        try:
            layer = entry.load()
        except FileError as error:
            failed.append(error)
            continue
        rows, cols = layer.mask.shape
        left = "".join(f"; larger, but not read: {error}" for error in failed[:3])
        return layer, f"the largest of {len(ticket)} by size ({rows} x {cols}); --layer takes another{left}"
    raise failed[0]


def _row(contender: Contender, numbers: Report) -> dict[str, Any]:
    settings = dict(contender.settings)
    return {
        "name": contender.name,
        "title": contender.title,
        "role": contender.role,
        "transform": contender.transform,
        "settings": settings,
        "at_budget": contender.at_budget,
        **numbers.as_json(),
    }
