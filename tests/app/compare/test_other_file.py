"""Compare with another file: two samples, a path, and what is refused, without the rest of the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.inputs.samples import available
from sparselab.core.paths import ROOTS_VARIABLE
from tests.browsing import PATIENCE_S

pytestmark = pytest.mark.skipif(not available(), reason="no sample masks")


def part() -> None:
    from sparselab.app.compare.other_file import show_other_file
    from sparselab.app.inputs.cards import sample_card
    from sparselab.app.inputs.samples import sample_path
    from sparselab.app.inputs.source import Source
    from sparselab.formats import ReadOptions

    path = str(sample_path("planted"))
    show_other_file(Source(path, "sample planted", ReadOptions(), sample_card(path, 0), is_public=True))


def test_another_file_stands_beside_the_one_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "other.npz", a_mask=np.eye(8, dtype=bool), b_mask=np.eye(8, dtype=bool))
    monkeypatch.setenv(ROOTS_VARIABLE, str(tmp_path))
    at = AppTest.from_function(part, default_timeout=PATIENCE_S).run()
    assert not at.exception
    assert not at.dataframe, "nothing is compared before a file is chosen"
    at.selectbox(key="_other_sample").set_value("planted-noisy").run()
    assert not at.exception
    assert not at.error
    assert any("random masks of the same counts would share" in item.value for item in at.markdown)
    table = at.dataframe[0].value
    assert table["both"][0] > table["expected"][0] + 3 * table["deviation"][0]

    at.segmented_control(key="_other_source").set_value("Path").run()
    at.text_input(key="_other_path").set_value(str(tmp_path / "other.npz")).run()
    assert not at.dataframe
    assert any("only in A" in item.value for item in at.caption)
    at.text_input(key="_other_path").set_value("/etc/passwd").run()
    assert not at.exception
    assert any("expected a path under" in item.value for item in at.error)
