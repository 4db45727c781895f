"""The engine: update texts as power series in gamma, the step number n left symbolic."""
