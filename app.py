"""The app's door."""

from sparselab.app.shell.window import run_app

run_app()
