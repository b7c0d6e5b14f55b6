"""Corpora: download and preparation, one folder each."""
