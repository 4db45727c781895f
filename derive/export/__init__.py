"""What people take away from a modified equation: terminal text, LaTeX."""
