"""Why not faster?: a report of the doctor drawn, and what follows from shapes alone."""
