"""Sweeps: the results of a sweep, and a sweep planned as a command."""

from sparselab.app.shell.navigation import guard
from sparselab.app.sweeps.page import page

guard("sweeps")
page()
