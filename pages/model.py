"""Model: one transform, or the best per layer, over a whole network."""

from sparselab.ui.nav import guard
from sparselab.ui.page_model import page

guard("model")
page()
