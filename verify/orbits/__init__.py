"""Orbits: the update text run on any numbers, slow orbits exact and in balls, flows of differential equations."""
