"""`transform`: give the layers of a file a new structure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from sparselab import __version__
from sparselab.cli.output import file_options, print_json, print_table, read_options
from sparselab.device import resolve_device
from sparselab.errors import SettingError
from sparselab.formats import FORMATS, WRITERS, read_ticket, write_ticket
from sparselab.layout import Layout
from sparselab.metrics import Report, report, totals
from sparselab.settings import settings_of
from sparselab.transform import Layer, Transform
from sparselab.transforms import TRANSFORMS, Prune


def _settings_help() -> str:
    lines = ["Settings, each as --name VALUE:", ""]
    for name, kind in TRANSFORMS.items():
        lines += [f"{name}  ({kind.title}; {kind.source})", ""]
        for setting in settings_of(kind):
            default = "none" if setting.default is None else str(setting.default)
            first, *choices = setting.help
            lines += [f"\b\n  {setting.flag}  {first}", *(f"      {line}" for line in choices)]
            lines += [f"      {setting.expected}; default {default}", ""]
    return "\n".join(lines)


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog=_settings_help(),
    short_help="Give layers a new structure.",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("transform")
@click.argument("settings", nargs=-1, type=click.UNPROCESSED)
@click.option("--layer", default="all", show_default=True, help="A layer's name, or all.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Seed of every random choice.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the new ticket: .npz, .safetensors or .pt.")
@file_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def transform(
    file: Path,
    transform: str,
    settings: tuple[str, ...],
    layer: str,
    seed: int,
    device: str,
    out: Path | None,
    column_order: str,
    kernel_shape: str | None,
    as_json: bool,
) -> None:
    """Apply TRANSFORM to one or all layers of FILE; report what stayed and what it costs."""
    run = parse_transform(transform, settings)
    format = None if out is None else _format_of(out)
    if device != "auto":
        resolve_device(device)  # a transform that computes on none would never say that there is none such
    ticket = read_ticket(file, read_options(column_order, kernel_shape))
    chosen = [ticket[layer]] if layer != "all" else list(ticket)
    results = _apply(run, chosen, seed, device)
    if out is not None and format is not None:
        write_ticket(chosen, {item.name: layout for item, layout, _ in results}, out, format)
        click.echo(f"wrote {out}", err=True)
    if as_json:
        print_json(_document(run, results))
        return
    names = ("density_before", "density_after", "coverage", "energy", "block_density", "blocks")
    rows = [[item.name, numbers.status, *(getattr(numbers, name) for name in names)] for item, _, numbers in results]
    print_table(("layer", "status", *names), rows)
    for item, _, numbers in results:
        if numbers.reason:
            click.echo(f"{item.name}: {numbers.status}: {numbers.reason}", err=True)


def parse_transform(name: str, arguments: Sequence[str]) -> Transform:
    """Return the transform called `name` with the settings of `--name value` arguments. Raises: SettingError."""
    if name not in TRANSFORMS:
        raise SettingError(f"transform: expected one of {', '.join(TRANSFORMS)}; got {name!r}")
    kind = TRANSFORMS[name]
    known = {setting.flag: setting for setting in settings_of(kind)}
    values: dict[str, Any] = {}
    rest = [part for argument in arguments for part in (argument.split("=", 1) if argument[:2] == "--" else [argument])]
    while rest:
        flag = rest.pop(0)
        if flag not in known:
            raise SettingError(f"{name}: expected one of {', '.join(known)}; got {flag!r}")
        if not rest:
            raise SettingError(f"{flag}: expected {known[flag].expected}; got nothing")
        values[known[flag].name] = known[flag].parse(rest.pop(0))
    return kind(**values)


def _format_of(path: Path) -> str:
    suffixes = {suffix: name for name in WRITERS for suffix in FORMATS[name].suffixes}
    if not path.parent.is_dir():
        raise SettingError(f"--out: expected a folder that exists; there is none at {path.parent}")
    if path.suffix not in suffixes:
        raise SettingError(f"--out: expected a file ending in {', '.join(suffixes)}; got {path.name}")
    return suffixes[path.suffix]


def _apply(run: Transform, layers: Sequence[Layer], seed: int, device: str) -> list[tuple[Layer, Layout, Report]]:
    if isinstance(run, Prune) and run.scope == "global":
        layouts: Sequence[Layout] = run.over(layers, rng=np.random.default_rng(seed))
    else:
        # Every layer starts from the seed, so that one layer alone gives what it gives among all.
        layouts = [run(layer, rng=np.random.default_rng(seed), device=device) for layer in layers]
    return [(layer, layout, report(layout, layer)) for layer, layout in zip(layers, layouts, strict=True)]


def _document(run: Transform, results: Sequence[tuple[Layer, Layout, Report]]) -> dict[str, Any]:
    return {
        "layers": [
            {"name": layer.name, "shape": list(layer.mask.shape), **numbers.as_json(), "digest": layout.after.digest}
            for layer, layout, numbers in results
        ],
        "totals": totals(results),
        "settings": {setting.name: getattr(run, setting.name) for setting in settings_of(type(run))},
        "version": __version__,
    }
