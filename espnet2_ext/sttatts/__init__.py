"""The STTATTS model: one role per file, torch only."""
