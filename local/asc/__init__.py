"""The Arabic Speech Corpus (ASC): one speaker, Modern Standard Arabic."""
