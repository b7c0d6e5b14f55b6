"""LJSpeech: one English speaker, for synthesis."""
