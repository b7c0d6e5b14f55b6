"""MGB-2: Arabic television, for recognition and for a first round of synthesis."""
