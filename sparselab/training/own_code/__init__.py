"""Tasks and networks that are no part of sparselab: found by reference, called by keyword, and known by digest."""
