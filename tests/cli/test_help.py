"""What the commands say of themselves: every command, every option, every setting, wherever help is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click
import pytest

import sparselab
from sparselab.cli import commands
from sparselab.cli.setting_options import HELP_NAMES
from sparselab.core.settings import settings_of
from sparselab.transforms import TRANSFORMS

Run = Callable[..., tuple[int, str, str]]


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command there is, with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from walk(below, (*path, name))


EVERY = dict(walk(commands))


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_says_what_it_is_and_names_every_option(path: tuple[str, ...], run: Run) -> None:
    command = EVERY[path]
    assert command.help
    context = click.Context(command, help_option_names=HELP_NAMES)
    options = [item for item in command.get_params(context) if isinstance(item, click.Option)]
    long, short = (run(*path, flag) for flag in ("--help", "-h"))
    assert long == short
    status, out, err = long
    assert (status, err) == (0, "")
    assert out.startswith("Usage: sparselab")
    assert " ".join(command.help.split()[:4]) in " ".join(out.split())
    words = out.replace(",", " ").split()
    for option in options:
        assert all(flag in words for flag in option.opts), option.name
        assert option.help, option.name
        assert option.help[0].isupper() or option.help.startswith("auto"), option.name
        assert option.help.endswith("."), option.name


@pytest.mark.parametrize("path", [path for path, item in EVERY.items() if isinstance(item, click.Group)], ids=" ".join)
def test_every_group_lists_its_commands(path: tuple[str, ...], run: Run) -> None:
    status, out, err = run(*path)
    assert (status, out) == (2, "")
    told = {line.split()[0] for line in err.splitlines() if line.strip()}
    assert told >= EVERY[path].commands.keys()  # type: ignore[attr-defined]


def test_version(run: Run) -> None:
    status, out, _ = run("--version")
    assert status == 0
    assert sparselab.__version__ in out


@pytest.mark.parametrize(
    "call", [["transform", "{name}"], ["transform", "a.npz", "{name}"], ["bench", "--transform", "{name}"]]
)
@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_setting_of_a_transform_is_in_its_help(name: str, call: list[str], run: Run) -> None:
    status, out, _ = run(*(word.format(name=name) for word in call), "-h")
    assert status == 0
    text = "".join(out.split())
    for setting in settings_of(TRANSFORMS[name]):
        first, *choices = setting.help
        doc = "; ".join([first[:1].upper() + first[1:], *choices])
        expected = setting.expected[:1].upper() + setting.expected[1:]
        told = f"{setting.flag} VALUE {doc}. {expected}; default {setting.default_text}."
        assert "".join(told.split()) in text


@pytest.mark.parametrize("command", ["transform", "bench"])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_no_setting_hides_an_option(name: str, command: str) -> None:
    options = {flag for parameter in commands.commands[command].params for flag in parameter.opts}
    names = {str(parameter.name) for parameter in commands.commands[command].params} | {"name"}
    for setting in settings_of(TRANSFORMS[name]):
        assert setting.flag not in options
        assert setting.name not in names
