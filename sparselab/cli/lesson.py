"""`lesson`: check a lesson that somebody writes, compute its facts ahead, and print its sheet for paper."""

from __future__ import annotations

from pathlib import Path

import click

from sparselab.core.atomic_files import atomic_path
from sparselab.core.errors import FileError
from sparselab.lessons.catalogue import LESSONS, lesson_folder, lesson_key
from sparselab.lessons.checking import problems
from sparselab.lessons.lesson import ENGLISH, LANGUAGES
from sparselab.lessons.loading import read_lesson
from sparselab.lessons.ready import ready_facts, write_ready
from sparselab.lessons.sheet import sheet as lesson_page

_FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


@click.group()
def lesson() -> None:
    """Lessons of the page Learn: list them, check one that you write, print one. docs/lessons.md says how one is written."""


@lesson.command("list")
def list_lessons() -> None:
    """List the lessons that there are: number or name, minutes, title."""
    for name, folder in LESSONS.items():
        found = read_lesson(folder)
        click.echo(f"{lesson_key(name):>4}  {found.minutes} min  {found.words[ENGLISH].title}")


@lesson.command()
@_FOLDER
@click.pass_context
def check(context: click.Context, folder: Path) -> None:
    """Check the lesson in FOLDER: form, facts, numbers in its texts, answers. The exit status is 1 where something is wrong."""
    found = problems(folder)
    for problem in found:
        click.echo(problem)
    if found:
        click.echo(f"{len(found)} problem{'s' * (len(found) != 1)}", err=True)
        context.exit(1)
    read = read_lesson(folder)
    click.echo(f"{read.words[ENGLISH].title}: {len(read.steps)} steps, nothing wrong")


@lesson.command()
@_FOLDER
def build(folder: Path) -> None:
    """Compute the facts of the lesson in FOLDER and keep them in its ready.json, so that no reader waits for them."""
    click.echo(str(write_ready(read_lesson(folder), folder)))


@lesson.command()
@_FOLDER
def facts(folder: Path) -> None:
    """Print the facts of every step of the lesson in FOLDER: what placeholders in its texts may name."""
    for step in read_lesson(folder).steps:
        click.echo(f"step {step.number}: {step.view.kind}")
        for name, value in step.view.facts().items():
            click.echo(f"  {name} = {value:.6g}" if isinstance(value, float) else f"  {name} = {value}")


@lesson.command()
@click.argument("name", metavar="FOLDER|NUMBER")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write, such as sheet.html.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@click.option(
    "--language",
    type=click.Choice(list(LANGUAGES)),
    multiple=True,
    help="The sheet's language; may be given twice. [default: all].",
)
def sheet(name: str, out: Path, overwrite: bool, language: tuple[str, ...]) -> None:
    """Write a lesson as one HTML file for paper: questions first, answers on pages of their own at the end."""
    folder = Path(name) if Path(name).is_dir() else lesson_folder(name)
    if out.exists() and not overwrite:
        raise FileError(f"--out: expected a path without a file, or --overwrite; got {out}")
    text = lesson_page(read_lesson(folder), ready_facts(folder), language)
    with atomic_path(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    click.echo(str(out))
