"""Documents that are made from the code say what the code says."""

from pathlib import Path

from benchmarks import question_tables, study_table
from benchmarks.catalogue import DOCUMENT, rewritten

ROOT = Path(__file__).resolve().parent.parent


def test_the_tables_of_the_algorithms_are_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert rewritten(text) == text, "run: python -m benchmarks.catalogue"


def test_the_table_of_the_study_is_what_was_measured() -> None:
    text = study_table.DOCUMENT.read_text(encoding="utf-8")
    assert study_table.rewritten(text) == text, "run: python -m benchmarks.study_table"


def test_the_figures_of_the_questions_are_those_of_commands_and_measurements() -> None:
    used: set[str] = set()
    for page in question_tables.pages():
        text = page.read_text(encoding="utf-8")
        assert question_tables.rewritten(text) == text, f"{page.name}: run: python -m benchmarks.question_tables"
        used |= question_tables.names(text)
    assert used == question_tables.MADE.keys()


def test_the_packages_in_the_document_are_those_that_are_enforced() -> None:
    from tests.test_architecture import PACKAGES

    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for name in PACKAGES:
        assert f"      {name}/" in text, f"docs/architecture.md does not name {name}"
