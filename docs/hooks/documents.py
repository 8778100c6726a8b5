"""Documents that lie outside docs/ become pages of the site, and links between documents lead to pages.

A document is written once and read twice, in the repository and on the site. So the navigation of mkdocs.yml may name a file
outside docs/ (`../README.md`), and a link that is right in the repository is turned into the one that is right on the site.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_OUTSIDE = "../"
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<to>(?![a-z]+:|[#/])[^)#\s]+)(?P<rest>#[^)\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add a page for every document outside docs/ that the navigation names, and let the navigation name the page."""

    def page_of(entry: str) -> str:
        if not entry.startswith(_OUTSIDE):
            return entry
        page = page_name(entry)
        source = (Path(config.docs_dir) / entry).resolve()
        files.append(File.generated(config, page, abs_src_path=str(source)))
        return page

    config.nav = mapped(config.nav, page_of)
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to files of the repository, notebooks among them, into links to their pages; others stay, and the strict build judges them.

    A link that shows its own path, as in a README, shows the title of the page instead.
    """
    if page.is_homepage:
        page.meta["hide"] = ["navigation"]
    here = source_of(page.file, config).parent
    pages = {source_of(file, config): file.src_uri for file in files}

    def on_site(link: re.Match[str]) -> str:
        source = (here / link["to"]).resolve()
        shown = source.with_suffix(".md") if source.suffix == ".ipynb" else source
        if shown not in pages:
            return link[0]
        text = title_of(shown) if link["text"] == link["to"] else link["text"]
        target = posixpath.relpath(pages[shown], posixpath.dirname(page.file.src_uri) or ".")
        return f"[{text}]({target}{link['rest'] or ''})"

    return _LINK.sub(on_site, markdown)


def source_of(file: File, config: MkDocsConfig) -> Path:
    """Return the file of the repository behind a file of the site; of one that a hook made, where it would lie."""
    return Path(file.abs_src_path or Path(config.docs_dir) / file.src_uri)


def title_of(document: Path) -> str:
    """Return the first heading of a document."""
    return next(line[2:] for line in document.read_text(encoding="utf-8").splitlines() if line.startswith("# "))


def page_name(path: str) -> str:
    """Return what the page of a document outside docs/ is called: by its name, or by its folder where it is a README.

    Example: >>> page_name("../README.md"), page_name("../sample_masks/README.md"), page_name("../CHANGELOG.md")
             ('index.md', 'sample_masks.md', 'changelog.md')
    """
    parts = Path(path.removeprefix(_OUTSIDE)).with_suffix("").parts
    name = parts[-1] if parts[-1] != "README" else (parts[-2] if len(parts) > 1 else "index")
    return f"{name.lower()}.md"


def mapped(nav: Any, change: Callable[[str], Any]) -> Any:
    """Return a navigation with every path changed."""
    if isinstance(nav, list):
        return [mapped(entry, change) for entry in nav]
    if isinstance(nav, dict):
        return {title: mapped(entry, change) for title, entry in nav.items()}
    return change(nav) if isinstance(nav, str) else nav
