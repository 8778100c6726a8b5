"""Documents that are made from the code say what the code says."""

from pathlib import Path

from benchmarks import study_table
from benchmarks.catalogue import DOCUMENT, rewritten

ROOT = Path(__file__).resolve().parent.parent


def test_the_tables_of_the_algorithms_are_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert rewritten(text) == text, "run: python -m benchmarks.catalogue"


def test_the_table_of_the_study_is_what_was_measured() -> None:
    text = study_table.DOCUMENT.read_text(encoding="utf-8")
    assert study_table.rewritten(text) == text, "run: python -m benchmarks.study_table"


def test_the_house_in_the_document_is_the_house_that_is_enforced() -> None:
    from tests.test_architecture import ROOMS

    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for name in ROOMS:
        assert f"      {name}/" in text, f"docs/architecture.md does not name {name}"
