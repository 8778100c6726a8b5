"""The documents as a site: `make docs` builds it strictly; here is what its hooks promise, and that the notebooks run."""

from __future__ import annotations

import ast
import doctest
import html
import re
from pathlib import Path

import nbformat
import pytest
from mkdocs.config import load_config
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.hooks import api, docstrings, documents, notebooks, offline
from tests.test_architecture import PACKAGES, files, module_of

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path) -> None:
    before = path.read_bytes()
    cells = notebooks.executed(path).cells
    assert any(cell.get("outputs") for cell in cells)
    assert path.read_bytes() == before


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


def test_every_room_of_the_library_has_a_page_that_says_what_it_is() -> None:
    packages = {package.split(".")[1] for package in api.packages() if "." in package}
    assert packages == PACKAGES.keys() - {"data", "app", "cli"}
    for package in api.packages():
        assert api.first_line(package), f"{package}: expected a docstring; got none"


def test_every_public_module_of_the_library_is_on_one_page() -> None:
    shown = [module for package in api.packages() for module in (package, *api.modules(package))]
    library = [module_of(path) for path in files() if not path.stem.startswith("_") or path.name == "__init__.py"]
    assert sorted(shown) == sorted(name for name in library if name.split(".")[1:2] not in (["app"], ["cli"]))


def test_the_navigation_of_the_api_names_every_page_once() -> None:
    named: list[str] = []
    documents.mapped(api.navigation(), named.append)
    assert sorted(named) == sorted(map(api.page_of, api.packages()))


def test_docstrings_keep_their_words() -> None:
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node) or ""
                shown = html.unescape(docstrings.as_markdown(text)).replace("```pycon", "").replace("\\", "")
                assert re.findall(r"\w+", shown) == re.findall(r"\w+", text.replace("\\", "")), f"{path}: {text[:60]}"


def test_signs_of_markup_in_a_docstring_are_shown_as_they_are() -> None:
    import markdown

    text = "Return a * b * c of S[g][c] < 2**24, `x[0]` as it is. Raises: ValueError for <none>."
    shown = html.unescape(re.sub(r"<[^>]+>", "", markdown.markdown(docstrings.as_markdown(text))))
    assert shown == text.replace("`", "").replace(" Raises: ", "\nRaises ")


def test_warnings_fail_the_build() -> None:
    (build,) = (line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if "mkdocs build" in line)
    assert "--strict" in build
    assert "quiet" not in build, "mkdocs counts no warnings when it is quiet"


def test_links_of_the_repository_become_links_of_the_site() -> None:
    config = load_config(str(ROOT / "mkdocs.yml"))
    readme = File("index.md", None, config.site_dir, False)
    readme.abs_src_path = str(ROOT / "README.md")
    study = File("study.md", config.docs_dir, config.site_dir, False)
    notebook = File(
        "notebooks/model_regrouped.md", None, config.site_dir, False
    )  # made by a hook: no source of its own
    files = Files([readme, study, notebook])

    def on_site(text: str, file: File) -> str:
        return documents.on_page_markdown(text, page=Page("", file, config), config=config, files=files)

    assert on_site("[a](docs/study.md#results)", readme) == "[a](study.md#results)"
    assert (
        on_site("[docs/study.md](docs/study.md)", readme) == f"[{documents.title_of(ROOT / 'docs/study.md')}](study.md)"
    )
    assert on_site("[a](../../README.md) [b](https://example.org/README.md)", notebook) == (
        "[a](../index.md) [b](https://example.org/README.md)"
    )
    assert on_site("[a](notebooks/model_regrouped.ipynb)", study) == "[a](notebooks/model_regrouped.md)"
    assert on_site("[a](nowhere.md)", study) == "[a](nowhere.md)", "left to the strict build, which refuses it"


@pytest.mark.parametrize("hook", [api, docstrings, documents, offline], ids=lambda hook: hook.__name__)
def test_examples_of_the_hooks(hook: object) -> None:
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    said: list[str] = []
    found = 0
    for test in finder.find(hook, getattr(hook, "__name__", "")):
        text = (test.docstring or "").replace("Example: >>>", "         >>>")
        again = doctest.DocTestParser().get_doctest(text, test.globs, test.name, None, 0)
        found += len(again.examples)
        runner.run(again, out=said.append)
    assert found
    assert not said, "".join(said)
