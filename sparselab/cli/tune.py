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
@click.option("--minutes", type=float, default=10.0, show_default=True, help="Minutes that all of it may take.")
@click.option("--out", "folder", required=True, type=click.Path(path_type=Path), help="Folder of the tuning.")
@click.option("--resume", is_flag=True, help="Go on with the tuning in the folder.")
@click.option(
    "--anyway",
    is_flag=True,
    help="Train though the structure was measured to be no faster, or the minutes are too few.",
)
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the data set, for tasks that read files.")
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 600),
    default=6.0,
    show_default=True,
    help="Seconds of timing, a tenth of the minutes at most.",
)
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
    nothing, that is said and nothing is trained. A first timed batch tells what judging and training take here: the minutes are
    shared out so that all of it fits, and what is left out is said. The dense, the masked and the structured network get as many epochs each, all from the
    checkpoint's weights. What comes of them is said side by side: the metric before and after, and the time of a batch, measured in turns
    here. The converted model is saved. A tuning that was stopped or killed goes on with --resume, and repeats nothing that was finished.
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
    for text in (*accuracy_verdicts(result), *(f"left out: {text}" for text in told["left_out"])):
        click.echo(text)
    for name, reason in result["stayed"].items():
        click.echo(f"{name} stays dense: {reason}", err=True)
    click.echo(f"saved: {folder / 'structured.safetensors'} (sparselab.tuning.load_converted reads it)", err=True)


def accuracy_verdicts(result: dict[str, Any]) -> list[str]:
    """Return in words whether accuracies differ from the masked network's by more than the examples' chance; nothing of networks that know nothing."""
    masked = next(form for form in result["forms"] if form["form"] == "masked")
    constant = result.get("constant")
    if constant is not None and all(form["after_interval"][0] <= constant for form in result["forms"]):
        return [
            f"no network is shown to be better than answering the most frequent class ({100 * constant:.1f} % of the test examples): these "
            "accuracies say nothing of the structure; train longer, or begin from a checkpoint that was trained on these data"
        ]
    told = []
    for form in result["forms"]:
        if form.get("over_masked") is not None:
            low, high = (100 * value for value in form["over_masked"])
            gap = 100 * (form["after"] - masked["after"])
            verdict = "a tie" if low <= 0 <= high else "better" if low > 0 else "worse"
            told.append(
                f"{form['form']} against masked: {gap:+.1f} points ({low:+.1f} to {high:+.1f}, 99 %, on {form['examples']:,} test "
                f"examples): {verdict}"
            )
    return told


def _row(form: dict[str, Any], metric: str) -> list[Any]:
    ratio = "-"
    if form["speedup"] is not None:
        low, high = form["interval"]
        ratio = f"{form['speedup']:.2f} ({low:.2f} to {high:.2f})"
    share = f"{100 * form['kept'] / form['size']:.1f} %"
    after = judgement_text(metric, form["after"])
    if form.get("after_interval") is not None:
        low, high = form["after_interval"]
        after += f" ({100 * low:.1f} to {100 * high:.1f})"
    return [
        form["form"],
        share,
        judgement_text(metric, form["before"]),
        after,
        form["runs_as"],
        form["ms"],
        ratio,
    ]


tune.params += setting_options(OFFERED)
