"""Every registered format under seeded mutations; benchmarks/fuzz_formats.py does the same for hours."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import pytest

from sparselab.formats import FORMATS, read_ticket
from tests.formats.fuzzing import fault_of, mutated
from tests.formats.good_files import good_file
from tests.formats.hostile_files import WEIGHT

CASES = 3500
"""Of each format: about two seconds of processor time each, half a minute for all."""


@pytest.mark.parametrize("form", FORMATS)
def test_mutations_are_read_or_refused(form: str, tmp_path: Path) -> None:
    good = good_file(form, WEIGHT, tmp_path)
    read = read_ticket(good)
    assert [layer.mask.kept.tolist() for layer in read] == [(WEIGHT != 0).tolist()]
    assert read.meta["format"] == form
    content, rng = good.read_bytes(), random.Random(f"sparselab {form}")
    path = good.with_name(f"mutated{good.suffix}")  # beside the files that it may name
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for case in range(CASES):
            path.write_bytes(mutated(content, rng))
            fault = fault_of(path)
            assert fault is None or fault.endswith("processor time"), f"case {case}: {fault}"
