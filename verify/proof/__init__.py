"""Proof of modified equations by evaluation over prime fields."""
