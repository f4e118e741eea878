"""Rules about tool call fragments."""
