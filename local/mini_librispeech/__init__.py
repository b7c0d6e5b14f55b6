"""Mini LibriSpeech, two human voices and a teacher's: the paper's set-up in small."""
