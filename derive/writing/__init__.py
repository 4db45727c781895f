"""What was found, as text, LaTeX and JSON."""
