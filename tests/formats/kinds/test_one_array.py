"""Files of one array without a name: what they are called says nothing of what they hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from sparselab.formats import FORMATS, ReadOptions, read_ticket
from sparselab.formats.options import DEFAULT_LIMITS
from tests.formats.good_files import good_file
from tests.formats.kinds.examples import w

KEPT = np.random.default_rng(0).random((6, 8)) < 0.5


@pytest.mark.parametrize("form", FORMATS)
def test_an_array_named_after_its_file_is_the_mask_of_the_only_weight(form: str, tmp_path: Path) -> None:
    path = good_file(form, KEPT.astype(np.float32), tmp_path)
    archive = FORMATS[form].open(path, DEFAULT_LIMITS)
    assert archive.has_names == (archive.entries[0].name != path.stem)
    if archive.has_names:
        return
    save_file({"fc.weight": np.abs(w(6, 8)) + 1}, tmp_path / "weights.safetensors")
    (layer,) = read_ticket(tmp_path / "weights.safetensors", ReadOptions(masks=str(path)))
    assert layer.weight is not None
    assert np.array_equal(layer.mask.kept, KEPT)
