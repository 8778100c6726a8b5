"""Explore: one layer's mask before and after, and every knob between them."""

from sparselab.app.explore.page import page
from sparselab.app.shell.navigation import guard

guard("explore")
page()
