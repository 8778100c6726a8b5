"""Model: one transform, or the best per layer, over a whole network."""

from sparselab.app.model.page import page
from sparselab.app.shell.navigation import guard

guard("model")
page()
