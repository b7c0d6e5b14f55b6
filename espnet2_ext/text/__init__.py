"""Text: cleaning and tokens."""
