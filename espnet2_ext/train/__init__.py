"""Training on ESPnet's Trainer: schedule, phases, checkpoints, plots."""
