"""Data: preprocessing, batches of few shapes, mixing of tasks."""
