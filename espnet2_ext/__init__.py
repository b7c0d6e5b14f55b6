"""STTATTS for ESPnet2: one model that recognises, synthesises and converts speech."""
