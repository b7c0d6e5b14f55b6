"""A server with OpenAI's audio interface: one process, one set of weights."""
