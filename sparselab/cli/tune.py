"""`tune`: a pruned checkpoint of one's own, structured and trained for some minutes, beside the masked and the dense network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sparselab.cli.output import print_document, print_table
from sparselab.cli.setting_options import given_settings, setting_options
from sparselab.cli.train import ProgressPrinter, stoppable
from sparselab.core.errors import Cancelled, SettingError
from sparselab.runtime.progress import Monitor
from sparselab.training.runs.judging import judgement_text
from sparselab.tuning.request import AUTO, OFFERED, TuneRequest


@click.command(short_help="Structure a pruned checkpoint, train it for minutes, and compare.")
@click.argument("model")
@click.option("--checkpoint", required=True, type=click.Path(), help="The pruned weights: a state dict or a ticket.")
@click.option(
    "--transform",
    default=AUTO,
    show_default=True,
    metavar="NAME[:SETTINGS]",
    help="What gives it a structure: regroup:rows_per_group=32; auto measures a few heights of groups and takes the best.",
)
@click.option(
    "--minutes", type=float, default=10.0, show_default=True, help="Minutes of training, for all three networks."
)
@click.option("--out", "folder", required=True, type=click.Path(path_type=Path), help="Folder of the tuning.")
@click.option("--resume", is_flag=True, help="Go on with the tuning in the folder.")
@click.option("--anyway", is_flag=True, help="Train though the structure was measured to be no faster.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the data set, for tasks that read files.")
@click.option("--seconds", type=click.FloatRange(0.1, 600), default=6.0, show_default=True, help="Seconds of timing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def tune(
    model: str,
    checkpoint: str,
    transform: str,
    minutes: float,
    folder: Path,
    resume: bool,
    anyway: bool,
    data: Path | None,
    seconds: float,
    as_json: bool,
    **given: str | None,
) -> None:
    """Structure the pruned CHECKPOINT of MODEL, FILE.py:NAME, train it for some minutes, and set it beside the masked and dense one.

    First the forms are timed at the checkpoint's weights: where the structure is no faster than the exact product, which drops
    nothing, that is said and nothing is trained. A third of the minutes each goes to the dense, the masked and the structured network, all from the checkpoint's weights. What
    comes of them is said side by side: the metric before and after, and the time of a batch, measured in turns here. The converted
    model is saved. A tuning that was stopped or killed goes on with --resume.
    """
    values = given_settings(OFFERED, given)
    if "task" not in values:
        raise SettingError("--task: expected the data to train on, such as photos.py:photos; got none")
    request = TuneRequest(model=model, checkpoint=checkpoint, transform=transform, minutes=minutes, values=values)
    from sparselab.tuning import tune as run  # loads torch

    with stoppable() as stopped:
        try:
            monitor = Monitor(ProgressPrinter(), stopped)
            told = run(
                request,
                folder,
                resume=resume,
                anyway=anyway,
                seconds=seconds,
                data=data,
                monitor=monitor,
                say=lambda text: click.echo(text, err=True),
            )
        except Cancelled as error:
            click.echo(str(error), err=True)
            raise click.Abort from None
    if as_json:
        print_document(told, "tune", file=None, seed=values.get("seed", 0), settings=told["request"])
        return
    result = told["result"]
    print_table(
        ("network", "weights kept", f"{result['metric']} before", "after", "runs as", "ms a batch", "times as fast"),
        [_row(form, result["metric"]) for form in result["forms"]],
    )
    for name, reason in result["stayed"].items():
        click.echo(f"{name} stays dense: {reason}", err=True)
    click.echo(f"saved: {folder / 'structured.safetensors'} (sparselab.tuning.load_converted reads it)", err=True)


def _row(form: dict[str, Any], metric: str) -> list[Any]:
    ratio = "-"
    if form["speedup"] is not None:
        low, high = form["interval"]
        ratio = f"{form['speedup']:.2f} ({low:.2f} to {high:.2f})"
    share = f"{100 * form['kept'] / form['size']:.1f} %"
    return [
        form["form"],
        share,
        *(judgement_text(metric, form[name]) for name in ("before", "after")),
        form["runs_as"],
        form["ms"],
        ratio,
    ]


tune.params += setting_options(OFFERED)
