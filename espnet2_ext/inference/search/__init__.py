"""The recognition search; ``recognition.search`` is the way in."""
