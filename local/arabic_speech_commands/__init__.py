"""Arabic Speech Commands: forty words of thirty speakers."""
