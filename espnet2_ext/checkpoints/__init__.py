"""What the commands do with whole models: import, pack."""
