"""Learn: lessons in steps, each with a view, a question and its reveal."""

from sparselab.app.learn.page import page
from sparselab.app.shell.navigation import guard

guard("learn")
page()
