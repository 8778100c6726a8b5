"""`python -m sparselab` runs the command line."""

from sparselab.cli import run

run()
