"""Masks and layouts shown outside the app: `show` in a notebook, and as one HTML file."""

from sparselab.display.html_view import HtmlView, show

__all__ = ["HtmlView", "show"]
