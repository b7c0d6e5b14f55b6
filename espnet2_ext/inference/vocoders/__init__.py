"""Kinds and file formats of vocoders; ``inference.vocoder`` is the way in."""
