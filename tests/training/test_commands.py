"""The commands that docs/training.md gives are commands: all they lack is the data."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from sparselab.cli import main

TEXT = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8").replace("\\\n", " ")
COMMANDS = [line.strip() for line in TEXT.splitlines() if line.startswith("    python -m sparselab train")]


CASES = [
    *COMMANDS,
    *(line.replace("--method dsb", f"--method {method}") for line in COMMANDS[1:] for method in ("rigl", "set", "ssb")),
]


def test_they_are_those_of_the_papers() -> None:
    assert ["--method imp" in COMMANDS[0], "--method dsb" in COMMANDS[1], len(CASES)] == [True, True, 5]


@pytest.mark.parametrize("command", CASES)
def test_every_command_gets_as_far_as_its_data(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(command)[3:]
    words[words.index("--out") + 1] = str(tmp_path / "run")
    words[words.index("--data") + 1] = str(tmp_path)
    assert main(words) == 2
    assert "data_batch_1.bin" in capsys.readouterr().err
