"""What the ``sttatts`` command does."""
