"""Training on ESPnet's Trainer: schedule, checkpoints, plots."""
