from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from sparselab.app.shell.escape import literal
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]


@given(st.text(alphabet="ab *_[]()`$:<>#~!\\|&\n"))
def test_every_sign_is_escaped_and_nothing_is_lost(text: str) -> None:
    shown = literal(text)
    assert "\n" not in shown
    bare = shown.replace("\\\\", "\0")
    for sign in "*_[]()`$:<>#~!|&":
        assert bare.count("\\" + sign) == bare.count(sign)
    assert bare.replace("\\", "").replace("\0", "\\") == " ".join(text.split())


def test_a_refusal_that_quotes_a_stranger_is_not_read_as_markdown(tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", **{"**x** :red[y]": np.full((4, 4), np.nan)})
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    at.query_params["source"] = "Upload"
    at.run()
    at.file_uploader[0].upload("bad.npz", (tmp_path / "bad.npz").read_bytes()).run()
    assert len(at.error) == 1
    assert "**" not in at.error[0].value
    assert ":red[" not in at.error[0].value
