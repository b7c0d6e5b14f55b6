"""Reading and writing checkpoints of other programs."""
