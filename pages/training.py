"""Training: what structure costs in accuracy."""

from sparselab.ui.nav import guard
from sparselab.ui.page_training import page

guard("training")
page()
