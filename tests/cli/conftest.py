"""How the tests of commands run one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sparselab.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line; return its exit status and what it printed on standard output and standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run
