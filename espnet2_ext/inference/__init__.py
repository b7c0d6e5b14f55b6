"""Inference: recognition search, speech generation, vocoders, and the Python API."""
