"""Values that everything speaks of, and what all packages share: no algorithm lives here."""
