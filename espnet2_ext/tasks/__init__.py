"""ESPnet2 tasks."""
