"""Latency: how long the kernels take on this machine, dense beside them."""

from sparselab.app.latency.page import page
from sparselab.app.shell.navigation import guard

guard("latency")
page()
