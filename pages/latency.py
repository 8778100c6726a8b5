"""Latency: how long the kernels take on this machine, dense beside them."""

from sparselab.ui.nav import guard
from sparselab.ui.page_latency import page

guard("latency")
page()
