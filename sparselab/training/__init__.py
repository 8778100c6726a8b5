"""Training: tasks, models, masks that are found, changed and trained again, and runs that survive anything."""
