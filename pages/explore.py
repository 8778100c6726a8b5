"""Explore: one layer's mask before and after, and every knob between them."""

from sparselab.ui.nav import guard
from sparselab.ui.page_explore import page

guard("explore")
page()
