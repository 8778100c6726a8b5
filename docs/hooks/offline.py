"""No page of the site loads anything from outside: neither fonts nor scripts, pictures nor styles."""

from __future__ import annotations

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.pages import Page

_TAG = re.compile(r"<(?:script|link|img|iframe|source|video|audio|object|embed)\b[^>]*>", re.IGNORECASE)
_OUTSIDE = re.compile(r"""\b(?:src|srcset|href|data|poster)\s*=\s*["']?\s*((?:https?:)?//[^"'\s>]+)""", re.IGNORECASE)


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:
    """Raises: PluginError for a page that loads something from another host."""
    if found := loaded_from_outside(output):
        raise PluginError(
            f"{page.file.src_uri}: expected a page that loads nothing from outside; got {', '.join(found)}"
        )
    return output


def loaded_from_outside(html: str) -> list[str]:
    """Return the addresses on other hosts that a page loads by itself; links that a reader may follow are none.

    Example: >>> loaded_from_outside('<a href="https://a.org"><script src="https://b.org/x.js"></script>')
             ['https://b.org/x.js']
    """
    return [address for tag in _TAG.findall(html) for address in _OUTSIDE.findall(tag)]
