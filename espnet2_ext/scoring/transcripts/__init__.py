"""Transcripts against their references: error rates, Arabic forms, significance."""
