"""The app's door."""

from sparselab.ui.shell import run_app

run_app()
