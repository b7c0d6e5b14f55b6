"""Speed of this project beside Hugging Face's, ESPnet's and faster-whisper's."""
