"""Lessons as data: what a folder of Markdown and TOML must hold, what its numbers are, and what is wrong with it."""
