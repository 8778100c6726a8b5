"""A sample of the hostile files through the library, the command line and the app: one answer, nothing untyped, nothing executed.

benchmarks/hostile_files.py does the same with all of a folder, and measures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.formats.hostile_files import HOSTILE
from tests.formats.libraries.hostile_sparse import SPARSE

ONE_IN = 9
LARGEST = 2**20


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_every_way_says_the_same_of_hostile_files(tmp_path: Path) -> None:
    index = []
    for number, (case, (make, _)) in enumerate((HOSTILE | SPARSE).items()):
        if number % ONE_IN:
            continue
        path = make(tmp_path)
        if path.is_file() and path.stat().st_size <= LARGEST:
            place = path.rename(tmp_path / f"{number}{path.suffix}")
            index.append([case, place.name, str(place), "refuse"])
    (tmp_path / "index.json").write_text(json.dumps(index))
    command = [sys.executable, "-m", "benchmarks.hostile_files", tmp_path, "--canary", tmp_path / "executed"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert len({row["way"] for row in rows}) == 3, told
    for row in rows:
        assert row["files"] == row["refused"] == len(index) > 20, told
        assert row["faults"] == row["differ_from_library"] == row["canaries"] == 0, told
