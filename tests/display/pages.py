"""What a page that `show` made holds, read as a browser reads it."""

from __future__ import annotations

import base64
import gzip
from html.parser import HTMLParser
from typing import Any

from sparselab.runtime import messages


class ParsedPage(HTMLParser):
    """The tags of a page with their attributes, and the text of each kind of element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data


def embedded(html: str) -> dict[str, Any]:
    """The message that the page gives the mask view."""
    text = ParsedPage(html).texts["script"][0]
    message: dict[str, Any] = messages.load(gzip.decompress(base64.b64decode(text, validate=True)))
    return message
