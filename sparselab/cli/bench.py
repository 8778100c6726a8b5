"""`bench`: how long the kernels take on a layer, here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from sparselab.benchmarking.break_even import structure_shown
from sparselab.benchmarking.measurement import ROUNDS, SECONDS
from sparselab.benchmarking.opponents import OPPONENTS, USUAL_OPPONENTS
from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.requests import Effort, MeasurementRequest, measure_isolated
from sparselab.benchmarking.statistics import FEWEST_ROUNDS
from sparselab.benchmarking.verdicts import at_best
from sparselab.cli.compare import choose_layer
from sparselab.cli.file_options import file_options, kept_apart, open_file, say_layer_notes, settings_of_reading
from sparselab.cli.output import print_document, print_table
from sparselab.cli.setting_options import WithSettings, kind_of, new_transform, scan
from sparselab.core.device import resolve_device
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.formats import ReadOptions
from sparselab.kernels.base import DTYPES
from sparselab.runtime.progress import Monitor, Progress
from sparselab.transforms.base import Transform

POSITIONS = 1024


class _Bench(WithSettings):
    """`bench`: its options are also the settings of what --transform names."""

    def transform_of(self, context: click.Context) -> str | None:
        name: str | None = context.meta.get(__name__)
        return name

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        name = scan(args, self.params)[0]["transform"]
        if name is not None:
            kind_of(name)
        ctx.meta[__name__] = name
        return super().parse_args(ctx, args)


@click.command(
    cls=_Bench,
    short_help="Measure the latency of kernels on a layer.",
    epilog="The settings of the transform are options too: `bench --transform NAME --help` lists them.",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--layer", help="A layer's name; the largest if none is given.")
@click.option("--transform", help="Transform to apply first; without it, the mask is measured as it is in the file.")
@click.option("--kernels", metavar="A,B", help="Kernels to measure; without it, all that can run the layer.")
@click.option(
    "--opponents",
    metavar="A,B",
    help=f"Dense products in other arithmetics or by other libraries to measure beside them, of {', '.join(OPPONENTS)}; "
    f"without it, {', '.join(USUAL_OPPONENTS)}; none for none.",
)
@click.option(
    "--positions",
    type=click.IntRange(min=1),
    help=f"Columns of the input X of the product W X; {POSITIONS} without --input.",
)
@click.option(
    "--input",
    "images",
    metavar="N,C,H,W",
    help="Measure the convolution of an input of this shape; dense is then conv2d.",
)
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    help="Stride of the convolution, where the file does not hold it; default 1.",
)
@click.option(
    "--padding",
    type=click.IntRange(min=0),
    help="Padding of the convolution, where the file does not hold it; default 0.",
)
@click.option("--backward", is_flag=True, help="Measure whole training steps: the output and both gradients.")
@click.option("--dtype", type=click.Choice(DTYPES), default="float32", show_default=True, help="The arithmetic.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--seconds", type=float, default=SECONDS, show_default=True, help="Approximate time for the rounds.")
@click.option(
    "--rounds",
    type=click.IntRange(min=FEWEST_ROUNDS),
    default=ROUNDS,
    show_default=True,
    help="Largest number of rounds.",
)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads; without it, the choice of torch.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Seed of every random choice.")
@file_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def bench(
    file: Path,
    layer: str | None,
    transform: str | None,
    kernels: str | None,
    opponents: str | None,
    positions: int | None,
    images: str | None,
    stride: int | None,
    padding: int | None,
    backward: bool,
    dtype: str,
    device: str,
    seconds: float,
    rounds: int,
    threads: int | None,
    seed: int,
    options: ReadOptions,
    as_json: bool,
    **given: str | None,
) -> None:
    """Measure how long kernels take on one layer of FILE on this machine, in turns with the dense product.

    Measurements run in a separate process, one at a time. Every kernel is first checked against the product in float64.
    """
    chosen, _ = choose_layer(open_file(file, options), layer)
    say_layer_notes([(chosen.name, chosen.notes)], ())
    run = None if transform is None else new_transform(transform, given)
    settings = {} if run is None else asdict(run)
    if device != "auto":
        resolve_device(device)
    layout = None if run is None else _structure(chosen, run, seed, device)
    request = MeasurementRequest(
        path=str(kept_apart(chosen)),
        layer=chosen.name,
        layout=layout,
        positions=positions or (None if images else POSITIONS),
        images=_images(images),
        stride=stride,
        padding=padding,
        dtype=dtype,
        device=device,
        backward=backward,
        kernels=None if kernels is None else _names(kernels),
        opponents=USUAL_OPPONENTS if opponents is None else () if opponents == "none" else _names(opponents),
        about={"file": file.name, "layer": chosen.name, **_about(transform, settings, seed)},
        effort=Effort(rounds=rounds, seconds=seconds, threads=threads, seed=seed),
    )
    measured = measure_isolated(request, monitor=Monitor(_say()))
    if measured.not_stored:
        click.echo(f"not stored: {measured.not_stored}", err=True)
    if as_json:
        asked = {
            name: value
            for name, value in click.get_current_context().params.items()
            if name not in ("file", "seed", "as_json", *given)
        }
        print_document(
            {"session": measured.session.key, **measured.session.as_json()},
            "bench",
            file=file,
            seed=seed,
            settings={**asked, **settings_of_reading(options), "layer": chosen.name, "transform_settings": settings},
        )
        return
    _print(measured.session)


def _structure(layer: Layer, run: Transform, seed: int, device: str) -> dict[str, Any]:
    """Return the layout to measure, packed."""
    layout = run(layer, rng=np.random.default_rng(seed), device=device)
    if layout.reason:
        click.echo(f"{layer.name}: {layout.status}: {layout.reason}", err=True)
    return layout.pack()


def _about(transform: str | None, settings: Mapping[str, Any], seed: int) -> dict[str, str]:
    if transform is None:
        return {"transform": "none"}
    told = ", ".join(f"{name}={value}" for name, value in settings.items())
    return {"transform": transform, "settings": told, "seed": str(seed)}


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _images(text: str | None) -> tuple[int, int, int, int] | None:
    if text is None:
        return None
    try:
        n, c, h, w = (int(part) for part in text.split(","))
    except ValueError:
        n = c = h = w = 0
    if min(n, c, h, w) < 1:
        raise SettingError(f"--input: expected four numbers such as 8,64,32,32; got {text!r}")
    return n, c, h, w


def _say() -> Any:
    """Return a listener that prints a stage once, on standard error."""
    said: set[str] = set()

    def listen(progress: Progress) -> None:
        stage = progress.stage.split(",")[0]
        if stage not in said:
            said.add(stage)
            click.echo(stage, err=True)

    return listen


def _print(session: Session) -> None:
    head = ("kernel", "median ms", "p20 ms", "p80 ms", "error", "of roofline", "flags", "verdict")
    print_table(head, [_cells(row, session.verdict_shown(row)) for row in session.rows])
    if told := structure_shown(session):
        click.echo(f"\n{told} (the exact product is that of the mask before the transform, nothing dropped)")
    fastest = None if session.fastest is None else session.shown(session.fastest)
    reach = at_best(session.density, None if fastest is None else fastest.value)
    device, said = session.device, session.protocol
    shape, taken = " x ".join(map(str, session.shape)), " x ".join(map(str, session.input_shape))
    if session.is_step:
        click.echo("\nwhole training steps: Y, dX and dW; the error is the largest of the three")
    click.echo(
        f"\n{session.about.get('layer')}: weight {shape}, density {session.density:.4f} ({reach}), "
        f"input {taken}, {session.dtype}, {session.threads} threads\n"
        f"{device['name']}, {device['cores']} cores, torch {session.versions['torch']}, {session.date}\n"
        f"{said['rounds']} rounds in turns, {said['inputs']} inputs, {100 * said['confidence']:.0f} % intervals; roofline "
        f"{said['peak_gflops']} GFLOP/s, {said['copy_gb_per_s']} GB/s; other programs used "
        f"{100 * said['others_load_during']:.0f} % of the CPU"
    )


def _cells(row: Row, verdict: str) -> list[Any]:
    missing = "not available" if row.role == "opponent" else "not measured"
    told = f"{missing}: {row.obstacle}" if row.obstacle else verdict
    error = "-" if row.max_error is None else f"{row.max_error:.1e}"
    share = "-" if row.roof_share is None else f"{100 * row.roof_share:.0f} %"
    return [row.label, row.median_ms, row.p20_ms, row.p80_ms, error, share, " ".join(row.flags) or "-", told]
