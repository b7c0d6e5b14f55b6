"""Commands: one thin entry each."""
