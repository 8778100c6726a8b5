"""The Python in the documents runs as it stands there, and prints what stands beside it."""

from __future__ import annotations

import io
import re
import tokenize
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOCUMENTS = ("README.md", "docs/library.md", "docs/live_models.md", "docs/why_not_faster.md")


def blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def promised(code: str) -> list[str]:
    """What the comments behind print calls say."""
    lines = code.splitlines()
    return [
        token.string.removeprefix("#").strip()
        for token in tokenize.generate_tokens(io.StringIO(code).readline)
        if token.type == tokenize.COMMENT and lines[token.start[0] - 1].startswith("print(")
    ]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_python_of_a_document_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sample_masks").symlink_to(ROOT / "sample_masks")
    monkeypatch.chdir(tmp_path)
    found = blocks(ROOT / name)
    assert found
    namespace: dict[str, object] = {"__name__": "document"}
    for code in found:
        said = io.StringIO()
        with redirect_stdout(said):
            exec(compile(code, name, "exec"), namespace)
        assert said.getvalue().splitlines() == promised(code)


def test_a_print_that_promises_something_else_is_noticed() -> None:
    assert promised("print(1)  # 1\nx = 2  # two\nprint('#')  # '#'\n") == ["1", "'#'"]
