"""Work in progress on a page: progress, cancel, results."""
