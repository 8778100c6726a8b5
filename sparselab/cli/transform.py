"""`transform`: give the layers of a file a new structure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from textwrap import indent
from typing import Any

import click

from sparselab.analysis.metrics import Report, labels, totals
from sparselab.analysis.worth import worth_of
from sparselab.cli.file_options import file_options, open_file, say_layer_notes
from sparselab.cli.output import envelope, print_document, print_table
from sparselab.cli.setting_options import WithSettings, new_transform, scan
from sparselab.cli.transform_results import TransformResults
from sparselab.core.device import resolve_device
from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.core.ticket import Ticket
from sparselab.formats import FORMS, Form, ReadOptions, WrittenFile, check_target
from sparselab.formats.writing.limited import write_back_limited
from sparselab.runtime.results import ResultStore
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform
from sparselab.workflows.chance import Chance, chance_of
from sparselab.workflows.model import apply_transform
from sparselab.workflows.stored_rows import resumed_transform
from sparselab.workflows.tasks import results_folder

_SHOWN_LAYERS = 6


class _Transform(WithSettings):
    """`transform FILE NAME`: one transform, with its settings as options."""

    def transform_of(self, context: click.Context) -> str:
        return str(self.name)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return ["[OPTIONS]"]  # FILE and NAME stand in the path before


class _Transforms(click.Group):
    """A command for every transform. Its name stands after the file, and the options in any order around both."""

    def __init__(
        self, name: str, params: list[click.Parameter], callback: Callable[..., None] | None, **texts: Any
    ) -> None:
        super().__init__(name, params=params, subcommand_metavar="TRANSFORM", no_args_is_help=True, **texts)
        for key, kind in TRANSFORMS.items():
            about = (kind.__doc__ or "").splitlines()[0]
            self.add_command(
                _Transform(
                    key,
                    params=[*params, click.Argument(["name"])],
                    callback=callback,
                    help=f"{kind.title}. {about}",
                    short_help=about,
                    epilog=f"Source: {kind.source}.",
                )
            )

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Transforms"):
            formatter.write_dl([(name, command.short_help or "") for name, command in self.commands.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            raise click.exceptions.NoArgsIsHelpError(ctx)
        values, words = scan(args, self.params)
        named = words[1:2] or [word for word in words[:1] if values["help"] and word in self.commands]
        if values["help"] and not named:
            click.echo(ctx.get_help())
            ctx.exit()
        if ctx.resilient_parsing and not {*named} & self.commands.keys():
            return self._begun(ctx, words)
        if not named or named[0] not in self.commands:
            unknown = next((word for word in words[:2] if word.startswith("-")), None)
            raise SettingError(
                f"transform: expected one of {', '.join(self.commands)} after FILE; "
                f"got {repr(unknown or named[0]) if unknown or named else 'nothing'}"
            )
        ctx.args = [named[0], *args]
        return ctx.args

    def _begun(self, ctx: click.Context, words: list[str]) -> list[str]:
        """A shell asks what may come next in a line that names no transform yet: FILE, or the transform."""
        if words:
            ctx.params["file"] = words[0]
            ctx.set_parameter_source("file", click.core.ParameterSource.COMMANDLINE)
        return []

    def invoke(self, ctx: click.Context) -> Any:
        name, *arguments = ctx.args
        with self.commands[name].make_context(name, arguments, parent=ctx) as context:
            return context.command.invoke(context)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--layer", default="all", show_default=True, help="A layer's name, or all.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Seed of every random choice.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write FILE with the new masks: in its own format, or as .npz, .safetensors or .pt.",
)
@click.option(
    "--form",
    type=click.Choice(FORMS),
    default="own",
    show_default=True,
    help="Layers in the file of --out: as FILE has them, all as X_orig and X_mask, or all as weights with zeros.",
)
@click.option(
    "--layouts",
    "layouts_out",
    type=click.Path(path_type=Path),
    help="Write the layouts of all layers to this file, for sparselab.nn.load_layouts and convert.",
)
@click.option("--force", is_flag=True, help="Let the files of --out and --layouts take the place of ones that exist.")
@click.option(
    "--resume",
    is_flag=True,
    help="Take layers that were done before, and keep those done now, in the user's cache folder; no seconds are told of the former.",
)
@click.option(
    "--chance",
    is_flag=True,
    help="Say beside each layer what random groups keep: as high, at the same budget; takes eight to sixteen runs more.",
)
@file_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def _one(
    file: Path,
    name: str,
    layer: str,
    seed: int,
    device: str,
    out: Path | None,
    form: Form,
    layouts_out: Path | None,
    force: bool,
    options: ReadOptions,
    resume: bool,
    chance: bool,
    as_json: bool,
    **given: str | None,
) -> None:
    run = new_transform(name, given)
    if device != "auto":
        resolve_device(device)  # a transform that computes on none would never say that there is none such
    ticket = open_file(file, options)
    if out is not None:  # said before the work, not after it
        check_target(ticket.meta["container"], out, overwrite=force)
    if layouts_out is not None:
        check_target(ticket.meta["container"], layouts_out, overwrite=force, format="safetensors")
        for other in (file, *filter(None, [out])):
            if layouts_out.resolve() == other.resolve():
                raise SettingError(f"--layouts: expected a file of its own; got {other}: choose another name")
    names = ticket.names if layer == "all" else (layer,)
    rival = partial(_chance, ticket, run, device) if chance else None
    results = TransformResults(keeps_layouts=out is not None or layouts_out is not None, chance_of=rival)
    if resume:
        source = str(file), ticket, options
        store = ResultStore(results_folder())
        outcomes = resumed_transform(name, run, source, names, seed=seed, device=device, store=store)
    else:
        outcomes = apply_transform(run, ticket, names, rng=seed, device=device)
    sums = totals(results.taken(outcomes))
    if not results.reports:
        raise results.failed[0].error
    for item in results.failed:
        click.echo(f"{item.name}: not done: {item.error}", err=True)
    said = {entry.name: entry.notes for entry in ticket.entries}
    read = [(key, (*said[key], *notes)) for key, notes in results.notes.items()]
    say_layer_notes(read, ticket.meta.get("notes", ()))
    written = {}
    if out is not None:
        if as_json and out.exists() and out.samefile(file):  # what the document names is what was read
            written = {"digest": envelope("transform", file=file, seed=seed, settings={})["digest"]}
        _tell(write_back_limited(file, results.layouts, out, options=options, form=form, overwrite=force))
    if layouts_out is not None:
        from sparselab.nn.saving import save_layouts  # torch, which this command loads only where it computes

        save_layouts(results.layouts, layouts_out)
        click.echo(f"wrote {layouts_out}: convert(model, load_layouts(...)) of sparselab.nn takes it", err=True)
    if as_json:
        document = {"transform": name, **results.document(), "totals": sums, **written}
        print_document(document, "transform", file=file, seed=seed, settings=asdict(run))
        return
    figures = ("density_before", "density_after", "coverage", "energy", "block_density", "blocks")
    rows = [[key, told.status, *(getattr(told, figure) for figure in figures)] for key, told in results.reports.items()]
    heads = ["layer", "status", *(labels()[key].lower() for key in figures)]
    if chance:
        heads += ["random groups", "gain"]
        rows = [[*row, *_beside(results.chances[row[0]], results.reports[row[0]])] for row in rows]
    print_table(heads, rows)
    for key, told in results.reports.items():
        if told.reason:
            click.echo(f"{key}: {told.status}: {told.reason}", err=True)


transform = _Transforms(
    "transform",
    _one.params,
    _one.callback,
    help=(
        "Apply TRANSFORM to one or all layers of FILE, and report the weights kept and the new density.\n\n"
        "The settings of a transform are options too: `transform TRANSFORM --help` lists them."
    ),
    short_help="Give layers a structure.",
)


def _chance(ticket: Ticket, run: Transform, device: str, name: str, layout: Layout) -> Chance | None:
    return chance_of(ticket[name], layout, run, device=device)


def _beside(chance: Chance | None, numbers: Report) -> list[str | None]:
    if chance is None:
        return [None, None]
    return [f"{chance.low:.3f} to {chance.high:.3f}", f"{chance.gain(worth_of(numbers)):+.3f}"]


def _tell(written: WrittenFile) -> None:
    """Say what was written, what of it may surprise, and how it is loaded."""
    click.echo(f"wrote {written.path}", err=True)
    for note in written.notes:
        click.echo(note, err=True)
    for name, count in list(written.zeros.items())[:_SHOWN_LAYERS]:
        click.echo(f"{name}: {count} weights come back as 0: FILE has no other value for them", err=True)
    if others := list(written.zeros.values())[_SHOWN_LAYERS:]:
        click.echo(f"{len(others)} more layers: {sum(others)} weights come back as 0", err=True)
    click.echo(f"To load it:\n\n{indent(written.recipe, '    ')}", err=True)
