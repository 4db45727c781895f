"""The exact route: the terms that a scheme can produce, exact values on random losses, and the rank that makes it a proof."""
