"""Decoding of whole test sets for the recipes."""
