"""One file a kind of claim: its data, its judge."""
