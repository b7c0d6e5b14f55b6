"""LibriTTS: read English of many speakers, for synthesis."""
