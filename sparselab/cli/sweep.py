"""`sweep`: transforms x settings x layers, resumable, on this machine or on many."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from sparselab.cli.file_options import file_options
from sparselab.cli.output import print_document
from sparselab.cli.sweep_options import WithSweptSettings, listed_settings
from sparselab.cli.sweep_progress import Printer, at_the_end, in_words, say_failures
from sparselab.core.atomic_files import atomic_path
from sparselab.core.device import resolve_device
from sparselab.core.errors import FileError, SettingError
from sparselab.core.ticket import Ticket
from sparselab.formats import ReadOptions
from sparselab.formats.limited import read_limited
from sparselab.runtime.results import ResultStore
from sparselab.workflows.sweeps.executors import EXECUTORS, Executor
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.outline import Outline, files_at, plan_of
from sparselab.workflows.sweeps.plan import Plan
from sparselab.workflows.sweeps.plan_file import is_plan, read_plan, read_whole_plan
from sparselab.workflows.sweeps.running import Shard, run_sweep, standing_of
from sparselab.workflows.sweeps.standing import Standing
from sparselab.workflows.sweeps.table import rows_in, write_csv
from sparselab.workflows.tasks import results_folder


@click.command(cls=WithSweptSettings, short_help="Run transforms over lists of settings, resumable.")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--transforms", metavar="NAME,...", help="The transforms that are swept.")
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="NAME",
    help="A layer's name, or a pattern such as 'features.*'; all if none is given. Repeatable.",
)
@click.option("--seeds", default="0", show_default=True, metavar="SEED,...", help="Seeds of the random choices.")
@click.option(
    "--chance", is_flag=True, help="Say beside each point what random groups keep; takes eight to sixteen runs more."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--out", "folder", type=click.Path(path_type=Path), help="Folder of the sweep: its plan and its results.")
@click.option(
    "--shard", metavar="I/N", help="Run every N-th point, from the I-th on; the N shards may share the folder."
)
@click.option(
    "--jobs",
    default="auto",
    show_default=True,
    metavar="N",
    help="Worker processes on this machine; auto for as many as there are processors.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run on the workers of this Dask scheduler: tls://HOST:PORT, or tcp://127.0.0.1:PORT. Needs the extra cluster.",
)
@click.option("--retry-failed", is_flag=True, help="Try points without a result again.")
@click.option("--write-plan", type=click.Path(path_type=Path), help="Write the plan to this file, and run nothing.")
@click.option("--status", is_flag=True, help="Say how far the sweep in --out is, and run nothing.")
@click.option(
    "--collect",
    type=click.Path(path_type=Path),
    help="Write the results that there are as CSV; without FILE nothing is run.",
)
@file_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def sweep(
    file: Path | None,
    folder: Path | None,
    shard: str | None,
    jobs: str,
    scheduler: str | None,
    retry_failed: bool,
    write_plan: Path | None,
    status: bool,
    collect: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Run transforms over lists of settings on the layers of FILE, a point after the other, and keep every result in a folder.

    FILE is a file of masks or weights, a folder of them or of a model, or a plan that --write-plan wrote. A setting takes several values
    with commas; every combination is a point. Without FILE the sweep in --out goes on. What is in the folder is not computed again:
    stop with Ctrl-C, and go on with the same command. Searches end by their steps, never by the clock. The status is 0 when every point
    that was run has a result, 1 when some have none, 130 after Ctrl-C.
    """
    part, executor = _shard(shard), _executor(jobs, scheduler)
    with ExitStack() as stack:
        if file is not None:
            plan = plan_of(
                _outline(file, **given), partial(_open, stack), lambda text: click.echo(f"note: {text}", err=True)
            )
        elif folder is None:
            raise SettingError("expected FILE, or --out with the folder of a sweep; got neither")
        else:
            if not SweepFolder(folder).plan_path.exists():
                raise SettingError(
                    f"--out: expected the folder of a sweep, where its plan lies; got {folder}: name FILE to begin one"
                )
            plan = read_whole_plan(SweepFolder(folder).plan_path)
    if write_plan is not None:
        _write(plan, write_plan)
        click.echo(f"wrote {write_plan}: {sum(1 for _ in plan.points())} points", err=True)
        return
    if folder is None:
        raise SettingError("--out: expected the folder of the sweep; got none")
    found = SweepFolder(folder)
    is_run = not status and (file is not None or collect is None)
    if is_run:
        standing = _run(plan, found, executor, part, retry_failed=retry_failed)
    else:
        standing = standing_of(plan, found, part)
    if collect is not None:
        rows = rows_in(plan, found)
        write_csv(plan, rows, collect)
        click.echo(f"wrote {collect}: {len(rows)} rows", err=True)
    if as_json:
        counts = {"with_result": standing.done - standing.failed, "failed": standing.failed, "left": standing.left}
        document = {"points": standing.total, "done": standing.done, **counts, "origins": asdict(standing.origins)}
        told = {"transforms": plan.as_json()["transforms"], "seeds": list(plan.seeds), "chance": plan.with_chance}
        seed = plan.seeds[0] if len(plan.seeds) == 1 else None
        settings = {**told, "device": plan.device, "shard": shard}
        print_document({**document, "out": str(folder)}, "sweep", file=file, seed=seed, settings=settings)
    else:
        click.echo(at_the_end(standing))
    if standing.failed:
        say_failures(found)
        click.echo(
            f"{shlex.join(['sparselab', 'sweep', '--out', str(folder), '--retry-failed'])} tries them again", err=True
        )
        if is_run:
            click.get_current_context().exit(1)


def _outline(
    file: Path,
    *,
    transforms: str | None,
    layers: tuple[str, ...],
    seeds: str,
    chance: bool,
    device: str,
    options: ReadOptions,
    **texts: str | None,
) -> Outline:
    if is_plan(file):
        if transforms is not None or layers or any(text is not None for text in texts.values()):
            raise SettingError(
                f"{file.name}: expected a plan alone; got flags that say what is swept as well: it says so itself"
            )
        return read_plan(file)
    if device != "auto":
        resolve_device(device)
    names = [name.strip() for name in (transforms or "").split(",") if name.strip()]
    swept = listed_settings(names, texts)
    try:
        numbers = tuple(dict.fromkeys(int(each) for each in seeds.split(",")))
    except ValueError:
        raise SettingError(f"--seeds: expected whole numbers such as 0,1,2; got {seeds!r}") from None
    return Outline(files_at(file, options, layers), swept, numbers, chance, device)


def _open(stack: ExitStack, file: Path, options: ReadOptions) -> Ticket:
    return read_limited(
        file, options, folder=lambda: Path(stack.enter_context(TemporaryDirectory(prefix="sparselab-")))
    )


def _shard(text: str | None) -> Shard:
    if text is None:
        return Shard()
    number, _, count = text.partition("/")
    if not (number.isascii() and number.isdigit() and count.isascii() and count.isdigit()):
        raise SettingError(f"--shard: expected I/N, such as 1/4; got {text!r}")
    return Shard(int(number), int(count))


def _executor(jobs: str, scheduler: str | None) -> Executor:
    if scheduler is not None:
        return EXECUTORS["dask"](scheduler)
    if jobs != "auto" and not (jobs.isascii() and jobs.isdigit() and 0 < int(jobs) <= 1024):
        raise SettingError(f"--jobs: expected auto, or a number from 1 to 1024; got {jobs!r}")
    return EXECUTORS["embedded"](jobs)


def _run(plan: Plan, folder: SweepFolder, executor: Executor, shard: Shard, *, retry_failed: bool) -> Standing:
    printer = Printer()
    try:
        return run_sweep(
            plan,
            folder,
            executor,
            shard=shard,
            retry_failed=retry_failed,
            store=ResultStore(results_folder()),
            report=printer,
        )
    except KeyboardInterrupt:
        printer.end()
        click.echo(f"{in_words(printer.standing)}; the same command goes on", err=True)
        raise click.Abort from None
    finally:
        printer.end()


def _write(plan: Plan, path: Path) -> None:
    try:
        with atomic_path(path) as temporary:
            temporary.write_text(plan.text(), encoding="utf-8", newline="\n")
    except OSError as error:
        raise FileError(f"--write-plan: expected a file that can be written; {path}: {error.strerror}") from None
