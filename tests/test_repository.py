"""The repository itself: what a newcomer relies on before any code runs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparselab.core.version import __version__

ROOT = Path(__file__).resolve().parent.parent
TOP = {
    *("app.py", "pages", "sparselab", "tests", "sample_masks", "requirements.txt", "README.md", "LICENSE", "Makefile"),
    *("pyproject.toml", ".ci", ".streamlit", ".gitignore", "docs", "mkdocs.yml", "benchmarks", "CHANGELOG.md"),
    *(
        ".github",
        ".pre-commit-config.yaml",
        "CITATION.cff",
        "CONTRIBUTING.md",
        "setup.py",
        "Dockerfile",
        ".dockerignore",
    ),
}


def tracked() -> list[Path]:
    import subprocess

    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(line) for line in listing.splitlines()]


def test_nothing_else_at_the_top() -> None:
    assert {path.parts[0] for path in tracked()} <= TOP


def test_direct_dependencies_are_pinned_exactly() -> None:
    files = [path for path in tracked() if path.name == "requirements.txt"]
    assert len(files) == 3
    for name in files:
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r", "triton>")):
                assert re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*", line), line


def test_the_metadata_does_not_claim_the_name_of_another_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] != "sparselab"
    assert "Private :: Do Not Upload" in project["classifiers"]
    assert project["license"] == "MIT"


def test_pages_are_thin_and_files_have_one_purpose() -> None:
    for path in tracked():
        if path.suffix != ".py" or not (ROOT / path).is_file():
            continue
        lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
        if path.parts[0] in ("app.py", "pages"):
            assert lines <= 8, f"{path}: {lines} lines; a door only calls, what is behind it lives in sparselab/app"
        elif path.parts[0] == "sparselab":
            assert lines <= 270, f"{path}: {lines} lines; split it"


def test_sample_masks_are_small() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "sample_masks").glob("*")) < 8_000_000


def test_the_readme_names_both_commands_and_its_picture_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make app" in text
    assert "make test" in text
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def test_links_between_documents_lead_somewhere() -> None:
    for path in tracked():
        if path.suffix == ".md" and (ROOT / path).is_file():
            for target in re.findall(r"\]\(([^)#]+)\)", without_code((ROOT / path).read_text(encoding="utf-8"))):
                if "://" not in target:
                    assert ((ROOT / path).parent / target).exists(), f"{path}: {target}"


# mkdocs.yml has tags of its own, and mkdocs reads it.
YAML = [path for path in tracked() if path.suffix in (".yml", ".yaml", ".cff") and path.name != "mkdocs.yml"]


def read_yaml(path: Path | str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", YAML, ids=str)
def test_files_of_the_hosts_habits_can_be_read(path: Path) -> None:
    assert isinstance(read_yaml(path), dict)


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem
)
def test_issue_forms_have_what_a_form_needs(path: Path) -> None:
    form = read_yaml(path)
    if path.stem == "config":
        assert set(form) == {"blank_issues_enabled"}
        return
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)


def test_what_is_cited_is_this_version() -> None:
    citation = read_yaml("CITATION.cff")
    assert citation["version"] == __version__
    assert citation["license"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]
    for work in (citation, *citation["references"]):
        assert work["title"]
        assert work["authors"]


def test_the_workflow_runs_every_version_of_python_that_is_promised() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [text.rsplit(" ", 1)[1] for text in project["classifiers"] if text.startswith("Programming Language")]
    jobs = read_yaml(".github/workflows/tests.yml")["jobs"]
    assert jobs["versions"]["strategy"]["matrix"]["python"] == named
    (lowest,) = {step["with"]["python-version"] for step in jobs["gate"]["steps"] if "setup-python" in str(step)}
    assert project["requires-python"] == f">={lowest}"
    assert lowest == named[0]
