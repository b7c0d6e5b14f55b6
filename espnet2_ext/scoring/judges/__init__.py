"""Listeners that write down what they hear: Whisper, and a memory for any of them."""
