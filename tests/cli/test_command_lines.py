"""Every command line that a document gives is one: its command, its transform and its options exist, with values they take."""

from __future__ import annotations

import contextlib
import re
import shlex
from pathlib import Path

import click
import pytest

from sparselab.cli import commands, main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINE = re.compile(r"^(?: {4,}|\$ )(?:(?:\.venv/bin/)?python -m )?sparselab (?P<words>[^#>\n]+)", re.MULTILINE)
QUICK = ("inspect", "transform")


def lines() -> list[tuple[str, str]]:
    """The command lines of all documents, each with its document; a line that ends in a backslash goes on in the next."""
    return [
        (path.name, found["words"].strip())
        for path in DOCUMENTS
        for found in LINE.finditer(re.sub(r"\\\n\s*", " ", path.read_text(encoding="utf-8")))
    ]


LINES = lines()


def test_there_are_some_in_the_readme_and_elsewhere() -> None:
    assert len({document for document, _ in LINES}) > 3
    assert {words.split()[0] for _, words in LINES} >= commands.commands.keys()


@pytest.mark.parametrize(("document", "words"), LINES, ids=[f"{document}: {words}" for document, words in LINES])
def test_it_is_a_command_with_options_that_exist(document: str, words: str) -> None:
    name, *arguments = shlex.split(words)
    if name.startswith("-"):
        assert any(name in parameter.opts for parameter in commands.params), words
        return
    command = commands.commands[name]
    with contextlib.suppress(click.exceptions.Exit):  # help was asked for, and shown
        # With its parent: click remembers a command's options for help, and without one -h would be none of them.
        parent = click.Context(commands, info_name="sparselab", **commands.context_settings)
        context = command.make_context(name, arguments, parent=parent)
        if isinstance(command, click.Group):
            chosen, *rest = [*context._protected_args, *context.args]
            command.commands[chosen].make_context(chosen, rest, parent=context)


SAMPLES = [words for _, words in LINES if words.startswith(QUICK) and "sample_masks/" in words and "-h" not in words]


@pytest.mark.parametrize("words", dict.fromkeys(SAMPLES))
def test_what_is_quick_on_a_sample_runs(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sample_masks").symlink_to(ROOT / "sample_masks")
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(words)) == 0
