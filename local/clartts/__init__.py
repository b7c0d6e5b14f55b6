"""ClArTTS: one speaker, classical Arabic."""
