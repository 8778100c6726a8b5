"""The audit of every hostile file: a table or one sentence, and nothing of it is run."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from sparselab.cli import main
from tests.conftest import ROOT
from tests.formats.hostile_files import HOSTILE

SOURCE = ROOT.parent / "shared" / "cases" / "hostile" / "generate.py"


def audited(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = main(["audit", str(path), "--claim", "2:4"])
    return status, *capsys.readouterr()


@pytest.mark.parametrize("case", [name for name in HOSTILE if name != "NUL in the path"])
def test_a_hostile_file_gets_one_sentence(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = audited(HOSTILE[case][0](tmp_path), capsys)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(not SOURCE.is_file(), reason="needs the hostile files beside the checkout")
def test_every_archive_that_lies_is_audited_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CANARY", str(tmp_path / "canary"))
    cases = [case for case in runpy.run_path(str(SOURCE))["CASES"] if case[0].startswith("zip")]
    assert cases
    for place, (_, name, make, _) in enumerate(cases):
        path = tmp_path / f"{place}-{name}"
        make(str(path))
        status, out, err = audited(path, capsys)
        assert (status in (0, 1) and "claim" in out) or (status == 2 and err.startswith("error: ")), name
    assert not (tmp_path / "canary").exists()
