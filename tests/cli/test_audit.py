"""`audit` on the command line: what it prints, and the status that a script reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Run
from tests.formats.hostile_files import HOSTILE

KEYS = {"pattern", "axis", "strict", "holds", "units", "share", "share_by_chance", "first_break"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    kept = (np.argsort(rng.random((16, 8, 4)), axis=-1) < 2).reshape(16, 32)
    np.savez(tmp_path / "f.npz", good=np.where(kept, 0.5, -0.0), bad=np.where(rng.random((16, 32)) < 0.5, 0.5, 0.0))
    return tmp_path / "f.npz"


def test_the_document_has_the_keys_that_were_promised(file: Path, run: Run) -> None:
    status, out, _ = run("audit", file, "--claim", "2:4", "--json")
    document = json.loads(out)
    assert (status, document["claim"], document["holds"]) == (1, "2:4", False)
    layers = {layer["name"]: layer for layer in document["layers"]}
    for layer in layers.values():
        assert {"name", "shape", "dtype", "density", "negative_zeros", "findings", "holds"} <= layer.keys()
        assert all(finding.keys() == KEYS for finding in layer["findings"])
    assert (layers["good"]["holds"], layers["good"]["negative_zeros"]) == (True, 256)
    claimed = next(
        x for x in layers["bad"]["findings"] if (x["pattern"], x["axis"], x["strict"]) == ("2:4", "in", False)
    )
    assert not claimed["holds"]
    assert claimed["units"] == 128
    assert len(claimed["first_break"]["index"]) == 2
    assert "kept" in claimed["first_break"]["found"]


def test_the_status_is_the_claims(file: Path, run: Run) -> None:
    assert run("audit", file)[0] == 0
    assert run("audit", file, "--claim", "2:4", "--layers", "g*")[0] == 0
    status, out, _ = run("audit", file, "--claim", "2:4")
    assert status == 1
    assert "does not hold in 1 of 2 layers" in out
    for wrong in (["--claim", "4:2"], ["--layers", "x*"]):
        status, _, err = run("audit", file, *wrong)
        assert (status, err.count("\n")) == (2, 1)
        assert "expected" in err


def test_the_table_and_the_card_say_the_same(file: Path, run: Run) -> None:
    _, table, err = run("audit", file)
    _, card, _ = run("audit", file, "--card")
    for text in (table, card):
        assert "exactly 2:4 along the inputs" in text
    assert "256 zeros are -0, in 1 of 2 layers" in table
    assert "1 of 2: auditing" in err


@pytest.mark.parametrize("case", ["empty", "npz of objects", "deflate lie", "smtx surplus"])
def test_a_hostile_file_gets_one_sentence(case: str, run: Run, tmp_path: Path) -> None:
    make, says = HOSTILE[case]
    status, out, err = run("audit", make(tmp_path), "--claim", "2:4")
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert re.search(says, line)
