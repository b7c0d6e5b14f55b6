"""Restoration of transcripts whose spelling follows the pronunciation."""
