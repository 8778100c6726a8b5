"""Glossary: the terms of the pages and their meanings."""

from sparselab.app.glossary.page import page
from sparselab.app.shell.navigation import guard

guard("glossary")
page()
