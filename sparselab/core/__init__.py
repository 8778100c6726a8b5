"""Values that everything speaks of, and what all rooms share: no algorithm lives here."""
