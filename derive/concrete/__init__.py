"""Concrete losses and fields: their derivatives at a point, and a term's value there."""
