"""Runs: folders that survive kills, the queue, and what trainings came to."""
