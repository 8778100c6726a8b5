"""What the commands do with blocks that somebody else chose."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np

from tests.cli.conftest import Run


def test_they_are_shown_and_compared_with_ours(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "w.npz", fc=(rng.standard_normal((16, 24)) * (rng.random((16, 24)) < 0.3)).astype(np.float32))
    path = tmp_path / "fc.block"
    path.write_bytes(pickle.dumps([(list(range(8)), [0, 3, 5]), (list(range(8, 16)), [1, 2])]))
    assert json.loads(run("inspect", path, "--json")[1])["layout"] == {
        "groups": 2,
        "rows_per_group": [8],
        "blocks": 2,
        "density": 40 / (16 * 6),
    }
    assert "2 groups of 8 rows, 2 blocks" in run("inspect", path)[1]
    line = ("compare", tmp_path / "w.npz", "--blocks", path, "--only", "prune,regroup-natural", "--json")
    document = json.loads(run(*line)[1])
    assert document["budget"] == {"density": 40 / 384, "count": 40}
    assert [row["name"] for row in document["rows"]] == ["blocks", "prune", "regroup-natural"]
    assert document["rows"][0]["title"] == "the blocks of fc.block"
    assert document["rows"][0]["density_after"] == 40 / 384
    assert document["rows"][0]["at_budget"]
    at_another = json.loads(run(*line, "--density", "0.3")[1])
    assert not at_another["rows"][0]["at_budget"]
    path.write_bytes(pickle.dumps([([99], [0])]))
    status, _, told = run(*line)
    assert status != 0
    assert "fc.block: expected block indices in 0 .. 15" in told
