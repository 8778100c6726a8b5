"""Compare: every transform at one budget on one layer."""

from sparselab.app.compare.page import page
from sparselab.app.shell.navigation import guard

guard("compare")
page()
