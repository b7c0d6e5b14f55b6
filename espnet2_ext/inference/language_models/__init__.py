"""Language models that help the recognition search: ESPnet's own, and n-grams."""
