"""Parts of the recognition search; ``inference.asr_search`` is the way in."""
