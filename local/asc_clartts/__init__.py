"""ASC and ClArTTS together, as the paper's Arabic model has them."""
