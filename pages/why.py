"""Why not faster?: a report of the doctor drawn, and what follows from shapes alone."""

from sparselab.app.shell.navigation import guard
from sparselab.app.why.page import page

guard("why")
page()
