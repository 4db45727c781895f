"""Numbers of every kind that a scheme is run on: power series in gamma, balls, recorded operations."""
