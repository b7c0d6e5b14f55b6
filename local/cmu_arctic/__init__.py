"""CMU ARCTIC: the same English sentences by several speakers, for voice conversion."""
