"""Compare: every transform at one budget on one layer."""

from sparselab.ui.nav import guard
from sparselab.ui.page_compare import page

guard("compare")
page()
