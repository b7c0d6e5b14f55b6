"""Kinds and file formats of vocoders; ``loading.load_vocoder`` is the way in."""
