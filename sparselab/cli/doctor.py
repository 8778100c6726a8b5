"""`doctor`: why a pruned model is not faster, on this machine or by the rules of another."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sparselab.cli.output import print_document, printable
from sparselab.core.errors import SettingError
from sparselab.diagnosis.evidence import ONNXRUNTIME, TARGETS, THIS_MACHINE
from sparselab.runtime.progress import Monitor, Progress
from sparselab.training.own_code.reference import parse_reference

if TYPE_CHECKING:
    from torch import nn

    from sparselab.diagnosis import Diagnosis


@click.command(
    short_help="Say why a pruned model is not faster, with evidence.",
    epilog="An input is given as [NAME=][DTYPE:]SHAPE[<HIGH], such as 1,3,224,224 or ids=int64:1,128<30522.",
)
@click.argument("model", metavar="FILE.py:NAME|FILE.onnx")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="A state dict, loaded into the model first.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    required=True,
    metavar="INPUT",
    help="What the model is called with: [NAME=][DTYPE:]SHAPE[<HIGH], or FILE.py:NAME for a function that returns it. Repeatable.",
)
@click.option(
    "--for", "target", type=click.Choice(TARGETS), default=THIS_MACHINE, show_default=True, help="What is to run it."
)
@click.option(
    "--seconds", type=click.FloatRange(0.01, 600), default=1.0, show_default=True, help="Seconds of every comparison."
)
@click.option(
    "--threads", type=click.IntRange(1, 4096), help="Threads of torch; as many as it takes itself if not given."
)
@click.option("--compile", "try_compile", is_flag=True, help="Try torch.compile too, which takes a minute.")
@click.option("--no-cures", is_flag=True, help="Only look: try no cure.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the converted model, which runs its kept weights alone; sparselab.nn.load reads it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, which the page Why not faster? opens.")
def doctor(
    model: str,
    checkpoint: Path | None,
    inputs: tuple[str, ...],
    target: str,
    seconds: float,
    threads: int | None,
    try_compile: bool,
    no_cures: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Run a pruned model once, look at what ran, and say why it is not faster.

    NAME is a function or class without required arguments that returns the model, or the model itself. Its code is run: give
    only code that you trust. Causes are listed with their evidence, the first first; cures are tried on copies and timed in
    turns with the model as it is. --for cuda-2:4 judges by rules, without such a device; --for onnxruntime takes an .onnx file.
    """
    settings = {
        "model": model,
        "checkpoint": None if checkpoint is None else str(checkpoint),
        "inputs": list(inputs),
        "for": target,
        "seconds": seconds,
        "threads": threads,
        "compile": try_compile,
        "cures": not no_cures,
    }
    if out is not None and out.exists():
        raise SettingError(f"--out: expected a file that is not there yet; {out} is: take another name, or remove it")
    if out is not None and target != THIS_MACHINE:
        raise SettingError(f"--out: expected --for {THIS_MACHINE}, whose kernels the model runs; got {target}")
    monitor = Monitor(_sayer())
    if model.endswith(".onnx") or target == ONNXRUNTIME:
        report = _of_onnx(model, inputs, target, monitor)
        file: Path | None = Path(model)
    else:
        effort = {"seconds": seconds, "try_cures": not no_cures, "try_compile": try_compile}
        report = _of_module(model, checkpoint, inputs, target, threads, effort, out, monitor)
        reference = parse_reference(model)
        file = None if reference is None else reference.file
    if as_json:
        print_document(report.as_json(), "doctor", file=file, seed=0, settings=settings)
        return
    click.echo("\n".join(map(printable, report.text.splitlines())))


def _of_onnx(model: str, inputs: tuple[str, ...], target: str, monitor: Monitor) -> Diagnosis:
    if not (model.endswith(".onnx") and target == ONNXRUNTIME):
        raise SettingError(
            f"--for: expected an .onnx file together with --for onnxruntime; got {model} for {target}: torch.onnx.export writes one"
        )
    from sparselab.diagnosis.inputs import parse_inputs
    from sparselab.diagnosis.onnx import doctor_onnx

    return doctor_onnx(Path(model), parse_inputs(inputs), monitor=monitor)


def _of_module(
    model: str,
    checkpoint: Path | None,
    inputs: tuple[str, ...],
    target: str,
    threads: int | None,
    effort: Mapping[str, Any],
    out: Path | None,
    monitor: Monitor,
) -> Diagnosis:
    reference = parse_reference(model)
    if reference is None:
        raise SettingError(f"expected FILE.py:NAME, package.module:NAME or FILE.onnx; got {model!r}")
    # torch's profiler writes when it starts and stops, as an error, unless this is set before torch is loaded.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    import torch

    from sparselab.diagnosis.checkpoint import load_checkpoint
    from sparselab.diagnosis.cured import write_converted
    from sparselab.diagnosis.doctor import doctor as diagnose
    from sparselab.training.own_code.loading import loaded

    if threads is not None:
        torch.set_num_threads(threads)
    # A function that gives the inputs is of the same kind as one that gives the model.
    own = {text: found for text in inputs if (found := parse_reference(text)) is not None}
    with loaded({"model": reference, **own}) as code:
        built = _built(code["model"].value, model)
        if checkpoint is not None:
            for note in load_checkpoint(built, checkpoint):
                click.echo(f"note: {note}", err=True)
        by_place, by_name = _inputs(inputs, {text: code[text].value for text in own})
        report = diagnose(built, *by_place, named=by_name, target=target, monitor=monitor, **effort)
        if out is not None:
            _say_written(*write_converted(built, out), out)
        return report


def _say_written(swapped: tuple[str, ...], stayed: Mapping[str, str], out: Path) -> None:
    left = "".join(f"; {printable(name)} stays dense: {why}" for name, why in stayed.items())
    click.echo(
        f"{out}: the kept weights of {', '.join(map(printable, swapped))} alone{left}. To run it: "
        f'sparselab.nn.load("{out.name}", MODEL).model.eval(), where MODEL is a fresh model of the same class',
        err=True,
    )


def _built(value: Any, name: str) -> nn.Module:
    from torch import nn

    from sparselab.training.own_code.calling import call_by_keyword

    made = value if isinstance(value, nn.Module) else call_by_keyword(value, name, {})
    if not isinstance(made, nn.Module):
        raise SettingError(
            f"{name}: expected a torch module, or a function or class that makes one; got a {type(made).__name__}"
        )
    return made


def _inputs(texts: tuple[str, ...], own: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return what the model is called with, by place and by name: tensors made as described, or what a function returns."""
    from sparselab.diagnosis.inputs import parse_inputs

    by_place: list[Any] = []
    by_name: dict[str, Any] = {}
    for value in own.values():
        found = value() if callable(value) else value
        if isinstance(found, Mapping):
            by_name.update(found)
        else:
            by_place += list(found) if isinstance(found, tuple | list) else [found]
    for place, spec in enumerate(parse_inputs(text for text in texts if text not in own)):
        if spec.name:
            by_name[spec.name] = spec.tensor(place)
        else:
            by_place.append(spec.tensor(place))
    return by_place, by_name


def _sayer() -> Callable[[Progress], None]:
    """Return a listener that prints every stage once, on standard error."""
    said = {"timing in turns"}

    def listen(progress: Progress) -> None:
        stage = progress.stage.split(",")[0]
        if stage not in said and not stage.startswith("warming up"):
            said.add(stage)
            click.echo(stage, err=True)

    return listen
