"""Synthesised and converted speech: what a judge hears, voices, flow, attention."""
