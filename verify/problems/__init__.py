"""Losses and fields of our own: polynomials and expressions, their derivatives, and the language of formulas."""
