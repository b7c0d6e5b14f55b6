"""LibriSpeech: read English, for recognition."""
