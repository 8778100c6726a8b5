"""Training: what structure costs in accuracy."""

from sparselab.app.shell.navigation import guard
from sparselab.app.training.page import page

guard("training")
page()
