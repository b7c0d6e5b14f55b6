"""Speech of a synthetic voice: sentences of WordNet, read by Piper."""
