"""The repository itself: what a newcomer relies on before any code runs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOP = {
    *("app.py", "pages", "sparselab", "tests", "sample_masks", "requirements.txt", "README.md", "LICENSE", "Makefile"),
    *("pyproject.toml", ".ci", ".streamlit", ".gitignore", "docs", "mkdocs.yml", "benchmarks", "CHANGELOG.md"),
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
            assert lines <= 8, f"{path}: {lines} lines; a door only calls, what is behind it lives in sparselab/ui"
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


def test_links_between_documents_lead_somewhere() -> None:
    for path in tracked():
        if path.suffix == ".md" and (ROOT / path).is_file():
            for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / path).read_text(encoding="utf-8")):
                if "://" not in target:
                    assert ((ROOT / path).parent / target).exists(), f"{path}: {target}"
